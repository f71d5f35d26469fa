"""The crowd: many customers at once, on a few threads.

A customer is a generator that yields how many seconds it pauses; while it does, it
holds no thread.
"""

import heapq
import threading
import time
from collections.abc import Iterator
from itertools import count
from queue import SimpleQueue

Visit = Iterator[float]


class Crowd:
    """Runs visits until told that nobody else comes in."""

    def __init__(self, threads: int) -> None:
        """Begin to work."""
        self._due: list[tuple[float, int, Visit]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._inside = 0
        self._over = False
        self._ready: SimpleQueue[Visit | None] = SimpleQueue()
        # One alone waits for the moment: many would all be woken by each.
        work = [self._call, *[self._work] * threads]
        self._threads = [threading.Thread(target=one, daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    @property
    def inside(self) -> int:
        """Count the customers who are under way."""
        return self._inside

    def enter(self, visit: Visit) -> None:
        """Let a customer in."""
        with self._changed:
            self._inside += 1
            self._push(visit, 0.0)

    def leave(self, seconds: float) -> bool:
        """Let those inside come to their end, for so long; tell whether they did."""
        with self._changed:
            is_empty = self._changed.wait_for(lambda: not self._inside, seconds)
            self._over = True
            self._changed.notify_all()
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(seconds)
        return is_empty

    def _push(self, visit: Visit, pause: float) -> None:
        due = time.monotonic() + pause
        heapq.heappush(self._due, (due, next(self._numbers), visit))
        self._changed.notify_all()

    def _call(self) -> None:
        """Call customers when their pause is over."""
        with self._changed:
            while not self._over:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._ready.put(heapq.heappop(self._due)[2])
                else:
                    self._changed.wait(wait)

    def _work(self) -> None:
        while visit := self._ready.get():
            try:
                pause = next(visit)
            except StopIteration:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._push(visit, pause)
