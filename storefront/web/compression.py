"""Fewer bytes on the way: what is the same for everybody goes out compressed."""

import gzip
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers
from wsgiref.types import WSGIEnvironment

from flask import request
from flask.wrappers import Response
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as AnyResponse
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor
from whitenoise.responders import Response as FileResponse

# A page is compressed for each request: the last percent would cost the most.
LEVEL_OF_PAGES = 6


def shared(answer: Response) -> AnyResponse:
    """Compress a page that is the same for everybody; say when it has not changed."""
    compress(answer)
    return answer.make_conditional(request)


def compress(answer: Response) -> None:
    """Compress a page for whoever takes it so; let browsers keep it and ask again.

    Not for pages with a token in a form: how well such a page compresses would tell
    of the token (BREACH).
    """
    if answer.status_code != 200 or answer.mimetype != "text/html":
        return
    # Browsers ask each time; a shared cache for all of them, once a second.
    answer.headers["Cache-Control"] = "public, max-age=0, s-maxage=1"
    answer.vary.add("Accept-Encoding")
    # Weak: the compressed page and the plain one share it.
    answer.add_etag(weak=True)
    if takes_gzip():
        packed = gzip.compress(answer.get_data(), LEVEL_OF_PAGES, mtime=0)
        answer.set_data(packed)
        answer.headers["Content-Encoding"] = "gzip"


def takes_gzip() -> bool:
    """Tell whether the page that is asked for may come compressed."""
    return _takes_gzip(request.accept_encodings)


class CompressedFiles(WhiteNoise):  # type: ignore[misc]
    """WhiteNoise, keeping the compressed form of each file that was asked for.

    It would look for files beside the originals: a step of building that can be
    forgotten, or a folder to write to.
    """

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> Any:
        """Give a file that goes out compressed where that is worth it."""
        return _CompressedFile(super().get_static_file(path, url, stat_cache), path)


class _CompressedFile:
    """A static file that goes out compressed to those who take it so."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path

    def get_response(self, method: str, environ: WSGIEnvironment) -> Any:
        """Answer as the file would; parts of it, too, are sent as they are."""
        answer = self._file.get_response(method, environ)
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))
        if answer.status != 200 or not _takes_gzip(accepted):
            return answer
        packed = _packed(self._path)
        if not packed:
            return answer
        headers = Headers(list(answer.headers))
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(packed))
        if answer.file is None:
            return FileResponse(answer.status, headers.items(), None)
        answer.file.close()
        return FileResponse(answer.status, headers.items(), BytesIO(packed))


def _takes_gzip(accepted: Accept) -> bool:
    return bool(accepted.quality("gzip"))


@lru_cache(maxsize=256)
def _packed(path: str) -> bytes | None:
    """Compress a file; None for a picture, and where it would hardly get smaller."""
    compressor = Compressor(quiet=True)
    if not compressor.should_compress(path):
        return None
    plain = Path(path).read_bytes()
    packed: bytes = compressor.compress_gzip(plain)
    worthwhile = compressor.is_compressed_effectively("gzip", path, len(plain), packed)
    return packed if worthwhile else None
