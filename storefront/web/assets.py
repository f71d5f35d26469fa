"""Static files, each under an address that changes with its content."""

import hashlib
from importlib.resources import files
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask

from storefront.settings import Settings
from storefront.web.compression import CompressedFiles
from storefront.web.headers import safety_headers

# htmx 2.0.3 as its authors publish it; the wheel only carries it.
HTMX_SHA256 = "491955cd1810747d7d7b9ccb936400afb760e06d25d53e4572b64b6563b2784e"


def init_app(app: Flask, settings: Settings) -> None:
    """Serve our files and htmx, to be kept for ever, and tell templates where.

    :raises RuntimeError: if htmx is not the file that was reviewed.
    """
    ours = Path(app.root_path) / "static"
    htmx = Path(str(files("js_lib_htmx") / "static" / "htmx"))
    if hashlib.sha256((htmx / "htmx.min.js").read_bytes()).hexdigest() != HTMX_SHA256:
        raise RuntimeError("htmx.min.js is not the file that was reviewed.")
    root = f"/assets/{_hash(ours)}"
    fixed = safety_headers(settings)

    def add_headers(headers: Headers, _: str, __: str) -> None:
        for name, value in fixed.items():
            headers[name] = value
        headers["Vary"] = "Accept-Encoding"

    wsgi = CompressedFiles(
        app.wsgi_app,
        allow_all_origins=False,
        immutable_file_test=lambda _, url: url.startswith("/assets/"),
        add_headers_function=add_headers,
    )
    wsgi.add_files(str(ours), prefix=root)
    wsgi.add_files(str(htmx), prefix=f"{root}/htmx")
    app.wsgi_app = wsgi  # type: ignore[method-assign]

    def asset(name: str) -> str:
        """Give the address of a static file."""
        folder = "htmx/" if name == "htmx.min.js" else ""
        return f"{root}/{folder}{name}"

    app.jinja_env.globals["asset"] = asset


def _hash(folder: Path) -> str:
    digest = hashlib.sha256(HTMX_SHA256.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
