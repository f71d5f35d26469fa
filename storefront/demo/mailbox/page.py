"""The page on which a person reads the mailbox.

Letters come from anybody, so their HTML never becomes part of a page of ours: it
has an address of its own, a sandbox, and a policy that loads nothing.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from io import BytesIO
from typing import cast

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    render_template,
    send_file,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from storefront.demo.mailbox.letters import Letter, Pile, file_name
from storefront.demo.ports import LOOPBACK

PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Links may open a window, which is an ordinary one; nothing else may happen.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
LETTER_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    f"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox {SANDBOX}"
)


blueprint = Blueprint("mailbox", __name__)


def create_page(pile: Pile) -> Flask:
    """Make the app that shows the pile."""
    app = Flask(__name__)
    # A page on the internet whose name points here is not the person at the desk.
    app.config["TRUSTED_HOSTS"] = [LOOPBACK, "localhost"]
    app.extensions["pile"] = pile
    app.register_blueprint(blueprint)
    app.register_error_handler(404, missing)
    app.after_request(_with_headers)
    return app


@blueprint.get("/")
def index() -> str:
    """List the letters, newest first."""
    return render_template("index.html", letters=_pile().list()[::-1])


@blueprint.get("/letters/<int:number>")
def letter(number: int) -> str:
    """Show a letter."""
    return render_template(
        "letter.html", letter=_get(number), file_name=file_name, sandbox=SANDBOX
    )


@blueprint.get("/letters/<int:number>/html")
def html(number: int) -> Response:
    """Give the HTML part, to be shown in a frame."""
    part = _get(number).html
    if part is None:
        abort(404)
    answer = Response(_with_links_outside(part), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = LETTER_POLICY
    return answer


@blueprint.get("/letters/<int:number>/source")
def source(number: int) -> Response:
    """Give the letter as it came."""
    return Response(_get(number).raw, mimetype="text/plain")


@blueprint.get("/letters/<int:number>/attachments/<int:position>")
def attachment(number: int, position: int) -> Response:
    """Give an attachment, counted from one, to be saved."""
    parts = _get(number).attachments
    if not 1 <= position <= len(parts):
        abort(404)
    return _download(parts[position - 1], position)


def missing(_error: Exception) -> tuple[str, int]:
    """Say that there is nothing here."""
    return render_template("missing.html"), 404


def _pile() -> Pile:
    return cast(Pile, current_app.extensions["pile"])


def _get(number: int) -> Letter:
    found = _pile().find(number)
    return abort(404) if found is None else found


def _with_links_outside(html: str) -> str:
    """Have links open a window: inside the frame the shop refuses to show."""
    base = '<base target="_blank">'
    found = re.search(r"<head\b[^>]*>", html, re.IGNORECASE)
    end = found.end() if found else 0
    return html[:end] + base + html[end:]


def _download(part: EmailMessage, position: int) -> Response:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):  # a letter inside a letter
        content = b"".join(bytes(one) for one in part.iter_parts())
    return send_file(
        BytesIO(content),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=file_name(part, position),
    )


def _with_headers(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


class Quiet(WSGIRequestHandler):
    """Says nothing about requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the terminal to what matters."""


@contextmanager
def served(pile: Pile, port: int) -> Iterator[str]:
    """Serve the page from a thread and give its address."""
    server = make_server(
        LOOPBACK, port, create_page(pile), threaded=True, request_handler=Quiet
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
