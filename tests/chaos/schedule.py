"""Which fault comes when: a plan that the seed alone decides."""

from collections.abc import Iterator, Sequence
from math import ceil
from random import Random
from typing import NamedTuple

# From the beginning of one fault to that of the next.
BEAT_SECONDS = 5.0


class Planned(NamedTuple):
    """One fault to come, and the luck it has."""

    fault: str
    luck: str


def plan(seed: int, faults: Sequence[str]) -> Iterator[Planned]:
    """Plan a run: the whole catalogue shuffled, then shuffled again, and so on."""
    luck = Random(seed)
    number = 0
    while True:
        for fault in luck.sample(sorted(faults), len(faults)):
            number += 1
            yield Planned(fault, f"{seed}:{number}")


def next_beat(now: float) -> float:
    """Give the next moment for a fault; the first finds a shop at work."""
    return max(1, ceil(now / BEAT_SECONDS)) * BEAT_SECONDS
