"""Pages that are the same for everybody, made once a version of what they show.

In front of the app, as static files are: giving out what is kept costs less than
finding out what was asked for.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Headers
from werkzeug.http import (
    is_resource_modified,
    parse_accept_header,
    remove_entity_headers,
)
from werkzeug.wsgi import ClosingIterator

from storefront.clock import now
from storefront.web.compression import shared
from storefront.web.logs import REQUEST_ID, Answer, RequestLog

# A change is seen so much later, at most.
LOOK_AGAIN_SECONDS = 1.0
# Each page is kept in each language, packed and plain.
MOST = 1000
NAME = "kept_pages"
# What a view has said of its answer: it may be kept, as what it was asked for as.
KEEP = "storefront.kept_page"

Key = tuple[object, ...]
ReadVersion = Callable[[], UUID | None]


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A whole answer, but for the name of its request.

    `shows`: the version of what it was made from, and its hour.
    """

    shows: tuple[UUID, str]
    route: str
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class KeptPages:
    """Keep what the app calls worth keeping, and give it out in its place.

    Threads share it: each step is one on a dict.
    """

    def __init__(self, app: Flask, read_version: ReadVersion) -> None:
        self.pages: dict[Key, KeptPage] = {}
        self._app = app
        self._answer: WSGIApplication = app.wsgi_app
        self._log: RequestLog = app.extensions["request_log"]
        self._read_version = read_version
        self._version: UUID | None = None
        self._look_again_at = 0.0

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer with what is kept, else let the app answer, and perhaps keep that.

        An address with a question is answered anew: there are too many of them.
        """
        if environ["REQUEST_METHOD"] != "GET" or environ["QUERY_STRING"]:
            return self._answer(environ, start_response)
        began_at = time.perf_counter()
        key = _key(environ)
        page = self.pages.get(key)
        if page is None or page.shows != self._now():
            return self._make(key, environ, start_response)
        answer = _told_again(page, environ)
        return self._log.answer(start_response, answer, page.route, began_at)

    def look(self) -> tuple[UUID, str] | None:
        """Say what a page would show now: the version, read now and then, and the hour.

        The Moon in the header moves with it.
        """
        if time.monotonic() >= self._look_again_at:
            with self._app.app_context():
                self._version = self._read_version()
            self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        return (self._version, f"{now():%F %H}") if self._version else None

    def _now(self) -> tuple[UUID, str] | None:
        try:
            return self.look()
        except SQLAlchemyError:
            # The app knows what to say then.
            return None

    def _make(
        self, key: Key, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        told: list[Any] = []

        def listen(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            told[:] = status, headers
            return start_response(status, headers, *error)

        answer = self._answer(environ, listen)
        if KEEP not in environ:
            return answer
        with closing(ClosingIterator(answer)) as parts:
            body = b"".join(parts)
        shows, route = environ[KEEP]
        status, headers = told
        if status.startswith("200"):
            if len(self.pages) >= MOST:
                self.pages.clear()
            lasting = [pair for pair in headers if pair[0] != REQUEST_ID]
            self.pages[key] = KeptPage(shows, route, status, lasting, body)
        return [body]


def keep_pages(blueprint: Blueprint, views: Collection[str]) -> None:
    """Let the answers of these views be kept: they are the same for everybody."""
    endpoints = {f"{blueprint.name}.{view}" for view in views}

    @blueprint.before_request
    def mark() -> None:
        if request.endpoint in endpoints and request.url_rule:
            # Looked at before the page is made: it shows this version or a later one.
            shows = current_app.extensions[NAME].look()
            if shows:
                request.environ[KEEP] = shows, request.url_rule.rule

    blueprint.after_request(shared)


def init_app(app: Flask, read_version: ReadVersion) -> None:
    """Keep pages as long as what they show has the same version."""
    app.extensions[NAME] = KeptPages(app, read_version)
    app.wsgi_app = app.extensions[NAME]  # type: ignore[method-assign]


def _key(environ: WSGIEnvironment) -> Key:
    """Name all that a kept page depends on, besides what it shows."""
    return (
        environ.get("HTTP_HOST"),
        environ.get("SCRIPT_NAME"),
        environ["PATH_INFO"],
        _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")),
    )


def _told_again(page: KeptPage, environ: WSGIEnvironment) -> Answer:
    """Give the page, or that whoever asks still has it."""
    if "HTTP_IF_NONE_MATCH" in environ:
        headers = Headers(page.headers)
        if not is_resource_modified(environ, headers["ETag"]):
            remove_entity_headers(headers)
            return "304 NOT MODIFIED", list(headers), b""
    return page.status, page.headers, page.body


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted).quality("gzip"))
