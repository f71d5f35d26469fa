"""Pages that are the same for everybody, made once a version of what they show."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from uuid import UUID

from flask import Blueprint, current_app, g, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

from storefront.clock import now
from storefront.web.compression import compress, takes_gzip

# A change is seen so much later, at most.
LOOK_AGAIN_SECONDS = 1.0
# Each page is kept in each language, packed and plain.
MOST = 1000
NAME = "kept_pages"

Key = tuple[object, ...]
ReadVersion = Callable[[], UUID | None]


@dataclass
class KeptPages:
    """What one process keeps. Its threads share it: each step is one on a dict."""

    endpoints: Collection[str]
    read_version: ReadVersion
    pages: dict[Key, tuple[bytes, Headers]] = field(default_factory=dict)
    version: UUID | None = None
    look_again_at: float = 0.0

    def look(self) -> UUID | None:
        """Give the version of what the pages show, read anew now and then."""
        if time.monotonic() >= self.look_again_at:
            self.version = self.read_version()
            self.look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        return self.version

    def keep(self, key: Key, page: tuple[bytes, Headers]) -> None:
        """Keep a page, and forget all others where they have become too many."""
        if len(self.pages) >= MOST:
            self.pages.clear()
        self.pages[key] = page


def keep_pages(
    blueprint: Blueprint, views: Collection[str], read_version: ReadVersion
) -> None:
    """Keep the pages of these views.

    What they show depends on that version, the address and the hour alone. An address
    with a question is answered anew: there are too many of them.
    """
    endpoints = {f"{blueprint.name}.{view}" for view in views}
    blueprint.record_once(
        lambda state: state.app.extensions.update(
            {NAME: KeptPages(endpoints, read_version)}
        )
    )
    blueprint.before_app_request(_give_kept)
    blueprint.after_request(_keep)


def _give_kept() -> ResponseReturnValue | None:
    kept: KeptPages = current_app.extensions[NAME]
    if request.endpoint not in kept.endpoints or request.query_string:
        return None
    version = kept.look()
    if version is None:
        return None
    # Read before the page is made: it shows this version or a later one.
    g.keep_as = version, _hour(), request.root_path, request.path, takes_gzip()
    page = kept.pages.get(g.keep_as)
    if page is None:
        return None
    del g.keep_as
    body, headers = page
    return Response(body, headers=headers)


def _keep(answer: Response) -> AnyResponse:
    if not answer.get_etag()[0]:
        compress(answer)
    if "keep_as" in g and answer.status_code == 200:
        page = answer.get_data(), Headers(answer.headers)
        current_app.extensions[NAME].keep(g.keep_as, page)
    return answer.make_conditional(request)


def _hour() -> str:
    """Name the hour, because the Moon in the header moves with it."""
    return f"{now():%F %H}"
