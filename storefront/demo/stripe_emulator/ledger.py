"""The ledger file: one JSON line per change, read back at the next start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Ledger:
    """Append lines to a file that survives the process."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending, creating it where it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_broken_line(path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, line: dict[str, Any]) -> None:
        """Append one line and hand it to the operating system."""
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """Give the lines written so far; one cut off by a crash is passed over."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def _end_broken_line(path: Path) -> None:
    """Close a last line that a crash left open, so that the next one stands alone."""
    if path.exists() and (held := path.read_bytes()) and not held.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
