"""Helpers for tests that start, watch and kill processes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A part of the demo alone: the shop's own package would bring all its imports along.
ALONE = f"""
import sys, types
package = types.ModuleType("storefront")
package.__path__ = [{str(ROOT / "storefront")!r}]
sys.modules["storefront"] = package
"""


def wait_until(question: Callable[[], object], seconds: float = 10.0) -> bool:
    """Ask until the answer is yes; tell whether it came in time."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def script(
    code: str,
    *arguments: object,
    root: Path = ROOT,
    uid: int | None = None,
    **variables: str,
) -> Iterator["subprocess.Popen[str]"]:
    """Run Python code that imports from a checkout; it is killed at the end."""
    # What was set for this run of the tests is none of the code's business.
    own = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**own, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1", **variables},
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
