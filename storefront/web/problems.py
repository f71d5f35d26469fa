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
from storefront.web.error_texts import error_texts, expired_form
from storefront.web.htmx import wants_fragment


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
    title, text = texts or error_texts(status)
    name = "_error.html" if wants_fragment() else "page.html"
    html = render_template(
        f"errors/{name}",
        title=title,
        text=text,
        status=status,
        retry_after=retry_after,
        request_id=g.get("request_id", ""),
        # The database may be what is wrong, and it knows the other languages.
        offered_languages=list,
    )
    answer = Response(html, status=status, mimetype="text/html")
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def init_app(app: Flask) -> None:
    """Answer every error in the form that its address promises."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, refuse_form)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    told = error_texts(status)[1]
    answer = problem(status, told) if _is_api() else error_page(status)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def refuse_form(error: CSRFError) -> ResponseReturnValue:
    """Answer a form whose token is missing, foreign or too old."""
    current_app.logger.info("form refused: %s", error.description)
    return error_page(400, expired_form())


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
