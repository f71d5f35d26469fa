"""The director: strikes with one fault after the other, and times each recovery."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.chaos.faults import FAULTS
from tests.chaos.notes import Notes
from tests.chaos.proof import proof_of, seconds_until
from tests.chaos.schedule import Planned, next_beat
from tests.chaos.stage import Stage


@dataclass(frozen=True)
class Strike:
    """A fault that was. `recovered`: seconds from its end to the proof, None: never."""

    name: str
    at: float
    ended: float
    recovered: float | None


class Director:
    """Works through the plan on a thread of its own, for so many seconds.

    One fault at a time: where a fault and its recovery take longer than a beat, the
    next comes with the beat that follows.
    """

    def __init__(
        self, stage: Stage, notes: Notes, plan: Iterator[Planned], seconds: float
    ) -> None:
        self.strikes: list[Strike] = []
        self.now = "all is well"
        self.error: Exception | None = None
        self._stage, self._notes = stage, notes
        self._plan, self._seconds = plan, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="director")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def never_recovered(self) -> list[str]:
        """Give a sentence for each fault that nobody recovered from."""
        return [
            f"There was no recovery from: {one.name}, at {one.at:.0f} s."
            for one in self.strikes
            if one.recovered is None
        ]

    def end(self) -> None:
        """Let the present fault end and be recovered from, and begin no other."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while (at := next_beat(self._notes.now())) < self._seconds:
                if self._over.wait(at - self._notes.now()):
                    return
                self._strike(next(self._plan))
        except Exception as error:
            self.error = error

    def _strike(self, planned: Planned) -> None:
        fault, luck = FAULTS[planned.fault], Random(planned.luck)
        at, self.now = self._notes.now(), planned.fault
        try:
            fault.begin(self._stage, luck)
            if fault.end:
                self._over.wait(fault.seconds)
        finally:
            if fault.end:
                fault.end(self._stage, luck)
        ended, self.now = self._notes.now(), f"after: {planned.fault}"
        proof = proof_of(fault.proof, self._stage, self._notes)
        recovered = seconds_until(proof)
        self.strikes.append(Strike(planned.fault, at, ended, recovered))
        self.now = "all is well"
