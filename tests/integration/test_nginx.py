"""`docs/nginx.conf` as it stands, in a real nginx before a stub of the shop."""

import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import urllib3

from storefront.demo.ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "docs" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
OPENSSL = shutil.which("openssl")
FOR_ALL = "public, max-age=0, s-maxage=2, stale-while-revalidate=5"

pytestmark = [
    pytest.mark.skipif(not (NGINX and OPENSSL), reason="No nginx or openssl here."),
    # Its certificate is signed by nobody.
    pytest.mark.filterwarnings(
        f"ignore::{urllib3.exceptions.InsecureRequestWarning.__module__}."
        f"{urllib3.exceptions.InsecureRequestWarning.__name__}"
    ),
]


@dataclass
class Stub:
    """Answers like the shop, and counts what it was asked."""

    asked: Counter[str] = field(default_factory=Counter)
    told: dict[str, str] = field(default_factory=dict)
    # What it says on each path; elsewhere nothing may be kept.
    cached: tuple[str, ...] = ("/", "/es/", "/products/a-reading", "/assets/1/a.css")
    with_cookie: bool = False


def handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    """Give the stub's way to answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            stub.asked[self.path] += 1
            stub.told = dict(self.headers)
            time.sleep(0.1)
            self.send_response(200)
            keep = FOR_ALL if path in stub.cached else "no-store"
            self.send_header("Cache-Control", keep)
            self.send_header("ETag", '"1"')
            if stub.with_cookie:
                self.send_header("Set-Cookie", "session=1")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@dataclass
class Front:
    """A running nginx, and the stub behind it."""

    url: str
    stub: Stub

    def get(self, path: str, **headers: str) -> requests.Response:
        """Get a page over TLS."""
        return requests.get(
            self.url + path,
            headers={"Host": "shop.example", **headers},
            verify=False,  # noqa: S501 - its certificate is signed by nobody
            timeout=10,
        )


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """Run nginx over the file as it stands, with other ports and folders."""
    stub, port = Stub(), free_port()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(stub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = tmp_path / "nginx.conf"
    settings.write_text(whole(tmp_path, port, server.server_port))
    certify(tmp_path)
    assert NGINX
    command = [NGINX, "-p", str(tmp_path), "-c", str(settings), "-e", "stderr"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        front = Front(f"https://127.0.0.1:{port}", stub)
        wait_for(front)
        yield front
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        server.server_close()


def whole(folder: Path, port: int, behind: int) -> str:
    """Put the file into what nginx needs around it, all within a folder."""
    ours = CONFIGURATION.read_text("utf-8")
    for there, here in (
        ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
        ("listen 80", f"listen 127.0.0.1:{free_port()}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/var/cache/nginx/", f"{folder}/"),
        ("/etc/ssl/private/", f"{folder}/"),
        ("/etc/ssl/", f"{folder}/"),
    ):
        assert there in ours
        ours = ours.replace(there, here)
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{user} daemon off; worker_processes 1; pid {folder}/pid;"
        "events { worker_connections 256; }"
        f"http {{ access_log off; {temporary}\n{ours}\n}}"
    )


def certify(folder: Path) -> None:
    """Make a certificate."""
    assert OPENSSL
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=shop.example"),
            *("-keyout", str(folder / "shop.example.key")),
            *("-out", str(folder / "shop.example.pem")),
        ],
        check=True,
        capture_output=True,
    )


def wait_for(front: Front) -> None:
    """Wait until nginx answers."""
    for _ in range(100):
        with suppress(requests.ConnectionError):
            front.get("/healthz")
            return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer.")


@pytest.mark.parametrize("path", ["/", "/es/", "/products/a-reading"])
def test_many_who_come_at_once_cost_the_shop_one_page(front: Front, path: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(front.get, [path] * 20))

    assert {answer.status_code for answer in answers} == {200}
    assert front.stub.asked[path] == 1
    assert front.get(path).headers["X-Cache"] == "HIT"


def test_a_page_is_asked_for_again_after_as_long_as_the_shop_says(front: Front) -> None:
    front.get("/")
    time.sleep(3.2)

    assert front.get("/").headers["X-Cache"] == "STALE"
    time.sleep(0.4)
    assert front.get("/").headers["X-Cache"] == "HIT"
    assert front.stub.asked["/"] == 2


@pytest.mark.parametrize("path", ["/orders/x", "/checkout", "/api/webhooks/stripe"])
def test_what_is_somebodys_own_is_never_kept(front: Front, path: str) -> None:
    # Even if the shop said so by mistake.
    front.stub.cached += (path,)
    for _ in range(2):
        assert "X-Cache" not in front.get(path).headers
    assert front.stub.asked[path] == 2


def test_what_sets_a_cookie_or_has_a_question_is_never_kept(front: Front) -> None:
    front.stub.with_cookie = True
    for _ in range(2):
        front.get("/")
    front.stub.with_cookie = False
    for _ in range(2):
        front.get("/?utm_source=letter")

    assert front.stub.asked == {"/healthz": 1, "/": 2, "/?utm_source=letter": 2}


def test_a_visitor_cannot_choose_an_address(front: Front) -> None:
    front.get("/checkout", **{"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "x"})

    assert front.stub.told["X-Forwarded-For"] == "127.0.0.1"
    assert front.stub.told["X-Forwarded-Host"] == "shop.example"
    assert front.stub.told["X-Forwarded-Proto"] == "https"


def test_static_files_are_fetched_once(front: Front) -> None:
    for _ in range(3):
        front.get("/assets/1/a.css")

    assert front.stub.asked["/assets/1/a.css"] == 1
