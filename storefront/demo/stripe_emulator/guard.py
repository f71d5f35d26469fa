"""Who may talk to the emulator: this machine, and in a browser its own pages."""

from urllib.parse import urlsplit

from flask import Response, abort, request

from .machine import machine

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Say whether a host name means this machine only."""
    return host.strip("[]").lower() in LOOPBACK


def refuse_strangers() -> None:
    """Refuse names that are not this machine's, and other sites' forms (403).

    A page elsewhere on the web cannot set the Origin or the Sec-Fetch-Site of what it
    makes a browser send; programs send neither.
    """
    # Read whatever was sent, or it would be taken for the connection's next request.
    request.get_data()
    host = urlsplit(f"//{request.host}").hostname or ""
    if not (machine().allow_remote or is_loopback(host)):
        abort(403, "The emulator answers to loopback names only.")
    if request.method in SAFE_METHODS or request.path.startswith("/v1/"):
        return
    own = (None, request.host_url.rstrip("/"))
    if request.headers.get("Origin") not in own:
        abort(403, "A page of another site may not press buttons here.")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403, "A page of another site may not press buttons here.")


def harden(response: Response) -> Response:
    """Set the headers that every page has; a page may have set its own policy."""
    response.headers.setdefault("Content-Security-Policy", content_policy("'self'"))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def content_policy(form_targets: str) -> str:
    """Give the content policy of a page whose forms may end at these origins."""
    parts = (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        f"form-action {form_targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return "; ".join(parts)
