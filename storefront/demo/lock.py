"""Locks that a process shares with its children: free means that none is left."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storefront.demo.errors import DemoError

# The children of a run that was killed end by themselves, a busy shop last.
SECONDS_FOR_A_PREDECESSOR = 20.0


@contextmanager
def locked(path: Path, refusal: str) -> Iterator[int]:
    """Hold the lock and give its descriptor, for children to inherit.

    :raises DemoError: with the refusal, where its holder is alive.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if os.geteuid() == 0:  # the folder's owner may come next
            folder = path.parent.stat()
            os.fchown(lock, folder.st_uid, folder.st_gid)
        deadline = time.monotonic() + SECONDS_FOR_A_PREDECESSOR
        while not _taken(lock):
            if _holder_lives(path) or time.monotonic() > deadline:
                raise DemoError(refusal)
            time.sleep(0.02)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_lives(path: Path) -> bool:
    """Tell whether the process that took the lock is there, not just children."""
    try:
        os.kill(int(path.read_text()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
