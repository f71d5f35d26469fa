"""The ledger file: one JSON line per deed, read back at the next start."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
Changes = list[dict[str, Any]]


class DeedLock:
    """A lock that may be taken again by its holder; letting go of it ends a deed."""

    def __init__(self, when_done: Callable[[], None]) -> None:
        """Call this at the end of each deed, still under the lock."""
        self._lock = threading.RLock()
        self._depth = 0
        self._when_done = when_done

    def __enter__(self) -> None:
        """Take the lock."""
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_error: object) -> None:
        """Let go of it; what an error left behind is part of the deed as well."""
        try:
            if self._depth == 1:
                self._when_done()
        finally:
            self._depth -= 1
            self._lock.release()


class Ledger:
    """Append deeds to a file that survives the process."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending, creating it where it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_broken_line(path)
        self._file = path.open("ab", buffering=0)

    def write(self, deed: Changes) -> None:
        """Append a deed as one line, handed to the operating system in one go.

        A crash leaves the whole of it or a line that is cut off, and so none of it.
        """
        self._file.write(json.dumps(deed).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """Give the changes written so far; deeds cut off by a crash are passed over."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                changes = json.loads(line)
            except ValueError:
                log.warning("%s: line %d was cut off, passed over.", path, number)
                continue
            # A change may stand alone: so each did in files of earlier versions.
            yield from changes if isinstance(changes, list) else [changes]


def _end_broken_line(path: Path) -> None:
    """Close a last line that a crash left open, so that the next one stands alone."""
    with path.open("a+b") as file:
        if not file.tell():
            return
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.write(b"\n")
