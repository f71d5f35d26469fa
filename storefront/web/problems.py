"""Errors on the wire: RFC 9457 problems under /api, pages and fragments elsewhere."""

from http import HTTPStatus
from typing import Any

from flask import Flask, current_app, g, json, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from storefront.extensions import db
from storefront.languages import gettext as _


def problem(
    status: int,
    detail: str,
    *,
    errors: dict[str, str] | None = None,
    retry_after: int | None = None,
) -> Response:
    """Answer with a problem document.

    :param errors: a sentence for each bad field, by its name.
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [
            {"field": field, "message": message} for field, message in errors.items()
        ]
    answer = Response(
        json.dumps(body), status=status, mimetype="application/problem+json"
    )
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def error_page(
    status: int,
    texts: tuple[str, str] | None = None,
    *,
    retry_after: int | None = None,
) -> Response:
    """Answer with an error page, or with a fragment where one was asked for."""
    title, text = texts or _texts(status)
    name = "_error.html" if request.headers.get("HX-Request") else "page.html"
    html = render_template(
        f"errors/{name}",
        title=title,
        text=text,
        status=status,
        request_id=g.get("request_id", ""),
    )
    answer = Response(html, status=status, mimetype="text/html")
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def init_app(app: Flask) -> None:
    """Answer every error in the form that its address promises."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _texts(status: int) -> tuple[str, str]:
    """Give what a page says; the API says the same in fewer words."""
    texts = {
        400: (
            _("This request cannot be read"),
            _("Something in it is not as it should be."),
        ),
        403: (_("This is not allowed"), _("The request came from another site.")),
        404: (
            _("There is nothing here"),
            _("The address may be mistyped, or no longer valid."),
        ),
        405: (
            _("That does not work here"),
            _("This address is not meant to be used that way."),
        ),
        410: (_("No longer available"), _("This product is not sold any more.")),
        413: (
            _("That is too much"),
            _("What was sent is larger than this shop takes."),
        ),
        414: (_("That is too much"), _("The address is longer than this shop takes.")),
        415: (
            _("This form is not understood"),
            _("It was sent in a way we do not read."),
        ),
        429: (_("A little slower, please"), _("Too many tries in a short time.")),
        500: (
            _("Something went wrong on our side"),
            _("It has been noted. Nothing was charged."),
        ),
        503: (
            _("Back in a moment"),
            _("A part of the shop does not answer just now."),
        ),
    }
    return texts.get(status, texts[400 if status < 500 else 500])


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    answer = problem(status, _texts(status)[1]) if _is_api() else error_page(status)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _csrf_error(error: CSRFError) -> ResponseReturnValue:
    current_app.logger.info("form refused: %s", error.description)
    title = _("This page was open too long")
    text = _(
        "For safety the form is no longer valid. Load it again and send it once more."
    )
    return error_page(400, (title, text))


def _database_away(error: OperationalError) -> ResponseReturnValue:
    db.session.rollback()
    current_app.logger.error("the database is away: %s", type(error.orig).__name__)
    if _is_api():
        return problem(503, _("The database is away."), retry_after=5)
    return error_page(503, retry_after=5)


def _unexpected(error: Exception) -> ResponseReturnValue:
    db.session.rollback()
    current_app.logger.exception("unexpected error", exc_info=error)
    return (
        problem(500, _("Something went wrong on our side."))
        if _is_api()
        else error_page(500)
    )
