"""One JSON line an event, with the request's id; nothing personal, no tokens."""

import logging
import re
import sys
import time
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, g, request
from structlog.typing import EventDict
from werkzeug.wrappers import Response

logger = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Log to standard output, and tell of each request by its route, not its path."""
    _configure()

    @app.before_request
    def begin() -> None:
        g.request_id, g.began_at = uuid4().hex[:16], time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def tell(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = g.get("request_id", "")
        logger.info(
            "request",
            extra={
                "method": request.method,
                # The rule, because paths hold the tokens of order pages.
                "route": request.url_rule.rule if request.url_rule else None,
                "status": answer.status_code,
                "ms": round(1000 * (time.perf_counter() - g.began_at), 1),
            },
        )
        return answer

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


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
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
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
