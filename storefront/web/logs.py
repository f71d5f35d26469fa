"""One JSON line an event, with the request's id; nothing personal, no tokens."""

import logging
import re
import secrets
import sys
import time
from contextlib import suppress
from typing import Any
from wsgiref.types import StartResponse

import structlog
from flask import Flask, g, request
from structlog.typing import EventDict
from werkzeug.wrappers import Response

# Status, headers and body.
Answer = tuple[str, list[tuple[str, str]], bytes]
REQUEST_ID = "X-Request-Id"
COMMON = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def init_app(app: Flask) -> None:
    """Log to standard output, and tell of each request by its route, not its path."""
    _configure()
    app.extensions["request_log"] = RequestLog()

    @app.before_request
    def begin() -> None:
        g.request_id, g.began_at = new_request_id(), time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def tell(answer: Response) -> Response:
        answer.headers[REQUEST_ID] = g.get("request_id", "")
        # The rule, because paths hold the tokens of order pages.
        route = request.url_rule.rule if request.url_rule else None
        app.extensions["request_log"].tell(
            request.method, route, answer.status_code, g.began_at
        )
        return answer

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


def new_request_id() -> str:
    """Give a name to a request: in its answer, and in all lines about it."""
    return secrets.token_hex(8)


class RequestLog:
    """The line that every request leaves.

    Written straight away: as a record of the logging module it would cost as much as
    answering a page does.
    """

    def __init__(self) -> None:
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(sys.stdout),
            processors=[*COMMON, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.BoundLogger,
        ).bind()

    def tell(
        self,
        method: str,
        route: str | None,
        status: int,
        began_at: float,
        **more: str,
    ) -> None:
        """Write the line; a full disk under the log keeps nobody from an answer."""
        ms = round(1000 * (time.perf_counter() - began_at), 1)
        with suppress(OSError):
            self._log.info(
                "request", method=method, route=route, status=status, ms=ms, **more
            )

    def answer(
        self, start_response: StartResponse, answer: Answer, route: str, began_at: float
    ) -> list[bytes]:
        """Answer a GET without the app: with a request's name, and its line."""
        status, headers, body = answer
        request_id = new_request_id()
        self.tell("GET", route, int(status[:3]), began_at, request_id=request_id)
        start_response(status, [*headers, (REQUEST_ID, request_id)])
        return [body]


def _leave_rows_out(_: Any, __: str, event: EventDict) -> EventDict:
    """Cut what Postgres quotes of a row that it refused: names and addresses."""
    if "exception" in event:
        event["exception"] = re.sub(r"DETAIL:.*", "DETAIL: …", event["exception"])
    return event


def _configure() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *COMMON,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _leave_rows_out,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    ours = logging.getLogger("storefront")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
    # Its own lines would come every few seconds and say nothing.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
