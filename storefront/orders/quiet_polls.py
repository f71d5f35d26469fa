"""Polls without news, answered in front of the app.

Every open order page asks every few seconds, and nearly always the answer is "not
yet". That takes one question to the database; all that the app does around it would
cost three times as much.
"""

import re
import time
from collections.abc import Iterable
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.orders.pace import PAGE_PAUSE, pace_since, whole
from storefront.orders.queries import is_waiting_quietly
from storefront.settings import Settings
from storefront.web.headers import safety_headers
from storefront.web.logs import RequestLog

POLL = re.compile(r"(?:/[a-z]{2})?/orders/([A-Za-z0-9_-]{43})/status")
ROUTE = "/orders/<token>/status"
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class QuietPolls:
    """Answer a poll that nothing is new for; leave all else to the app."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._answer: WSGIApplication = app.wsgi_app
        self._log: RequestLog = app.extensions["request_log"]
        self._headers = [*safety_headers(settings).items(), *PRIVATE.items()]

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer 204 while the order waits as it did, at the pace that it did."""
        began_at = time.perf_counter()
        poll = POLL.fullmatch(environ["PATH_INFO"])
        if (
            poll is None
            or environ["REQUEST_METHOD"] != "GET"
            or not self._is_quiet(poll[1], environ["QUERY_STRING"])
        ):
            return self._answer(environ, start_response)
        answer = "204 NO CONTENT", self._headers, b""
        return self._log.answer(start_response, answer, ROUTE, began_at)

    def _is_quiet(self, token: str, query: str) -> bool:
        asked = dict(parse_qsl(query))
        if asked.get("every") != str(pace_since(whole(asked.get("since")))):
            return False
        try:
            with self._app.app_context():
                return is_waiting_quietly(token, PAGE_PAUSE)
        except SQLAlchemyError:
            # The app knows what to say then.
            return False


def init_app(app: Flask, settings: Settings) -> None:
    """Keep polls without news from the app."""
    app.wsgi_app = QuietPolls(app, settings)  # type: ignore[method-assign]
