"""The lines between the programs, in a process of their own, as the emulator is.

All that the shop and its database say to each other goes over one: beside a hundred
customers in one Python it would wait for each of them.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.managers import BaseManager

from tests.faults.proxy import LOOPBACK, Proxy


class Line(Proxy):
    """A line whose address can be asked for from another process."""

    def address(self) -> str:
        """Give host and port where it is reached."""
        return f"{LOOPBACK}:{self.port}"


class _Process(BaseManager):
    """Keeps lines; what it gives away is a hand on one, with the same methods."""


_Process.register("Line", Line)


@contextmanager
def running_lines(*ports: int) -> Iterator[list[Line]]:
    """Run a line to each of these ports of this machine, until their process ends."""
    # Another's fork would have this one's threads half done.
    with _Process(ctx=multiprocessing.get_context("spawn")) as process:
        yield [process.Line(port) for port in ports]
