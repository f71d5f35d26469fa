"""The demo's side of the terminal: lines of progress, and signals to stop."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked for the end; like KeyboardInterrupt no ordinary error."""


def say(text: str = "") -> None:
    """Print a line; a terminal that was closed is no reason to fail."""
    with suppress(OSError):
        print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long something took, once it is done."""
    begun = time.monotonic()
    yield
    say(f"  {name:<24} {time.monotonic() - begun:5.1f} s")


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise `Stopped` at the first signal; further ones change nothing."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        raise Stopped

    for number in SIGNALS:
        # Started by nohup it is to outlive the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    yield
