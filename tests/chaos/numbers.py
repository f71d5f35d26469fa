"""The figures of a run: from answers and strikes to what the report says."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from tests.chaos.director import Strike
from tests.chaos.notes import Answer


class Recovery(NamedTuple):
    """What is told of one kind of fault. `slowest`: None if one was never over."""

    name: str
    times: int
    usual: float
    slowest: float | None


class Pace(NamedTuple):
    """What is told of one kind of answer; `seconds` of the good ones."""

    deed: str
    answers: int
    errors: int
    p50: float
    p95: float


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that such a share of the values does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def recoveries(strikes: Iterable[Strike]) -> list[Recovery]:
    """Put the strikes of each fault together, the slowest recovery first."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for strike in strikes:
        found[strike.name].append(strike.recovered)
    rows = []
    for name, times in found.items():
        known = [one for one in times if one is not None]
        slowest = max(known) if len(known) == len(times) else None
        rows.append(Recovery(name, len(times), median(known or [0.0]), slowest))
    return sorted(rows, key=lambda row: (row.slowest is not None, -(row.slowest or 0)))


def paces(answers: Iterable[Answer]) -> list[Pace]:
    """Tell of each kind of answer how many there were and how long they took."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.deed].append(answer)
    return [
        Pace(
            deed,
            len(mine),
            sum(one.is_error for one in mine),
            percentile([one.seconds for one in mine if not one.is_error], 0.5),
            percentile([one.seconds for one in mine if not one.is_error], 0.95),
        )
        for deed, mine in sorted(found.items())
    ]


class Slice(NamedTuple):
    """Some seconds of a run, for the plot."""

    at: float
    orders: float
    errors: float
    p95: float


def slices(answers: Iterable[Answer], seconds: float, width: float) -> list[Slice]:
    """Cut a run into slices: orders and errors a second, and the answers' p95."""
    cut: list[list[Answer]] = [[] for _ in range(int(seconds // width))]
    for answer in answers:
        if (number := int(answer.at // width)) < len(cut):
            cut[number].append(answer)
    return [
        Slice(
            (number + 0.5) * width,
            sum(one.is_order for one in mine) / width,
            sum(one.is_error for one in mine) / width,
            percentile([one.seconds for one in mine], 0.95),
        )
        for number, mine in enumerate(cut)
    ]
