"""Measuring in turn: the reference, the shop, the reference, the shop, …

The machine is noisy, so only what was measured side by side is compared; CPU time per
piece of work is steadier than pieces a second.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import psutil


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has shown.

    `per_second`: pieces of work done. `web_ms`, `database_ms`: CPU time of each, in
    milliseconds a piece. `p50`, `p99`: how long a piece took, in milliseconds.
    """

    per_second: float
    web_ms: float
    database_ms: float = 0.0
    p50: float | None = None
    p99: float | None = None


Measure = Callable[[], Round]


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison. `goal`: the share of the reference that the shop should reach.

    `set_up` makes ready what both need and gives the two ways of measuring a round.
    """

    name: str
    reference: str
    goal: float
    set_up: Callable[[], AbstractContextManager[tuple[Measure, Measure]]]


@dataclass(slots=True)
class Outcome:
    """The rounds of one case, in pairs; `trouble`: why there are none."""

    case: Case
    shop: list[Round] = field(default_factory=list)
    reference: list[Round] = field(default_factory=list)
    trouble: str | None = None

    def by_rate(self) -> list[float]:
        """Give the shop's share of the reference in each pair, by pieces a second."""
        pairs = zip(self.shop, self.reference, strict=True)
        return [ours.per_second / bare.per_second for ours, bare in pairs]

    def by_cpu(self) -> list[float]:
        """Give the same by CPU time: how much of ours the reference needs.

        None where either has no web server whose time could be compared.
        """
        pairs = zip(self.shop, self.reference, strict=True)
        times = [(bare.web_ms, ours.web_ms) for ours, bare in pairs]
        return [bare / ours for bare, ours in times if bare and ours]

    @property
    def reached(self) -> bool:
        """Tell whether the median of the pairs reaches the goal, by either measure."""
        shares = [median(part) for part in (self.by_rate(), self.by_cpu()) if part]
        return max(shares, default=0.0) >= self.case.goal


def compare(case: Case, pairs: int, tell: Callable[[str], None]) -> Outcome:
    """Measure a case: a round of each to warm up, then so many pairs."""
    outcome = Outcome(case)
    with case.set_up() as (shop, reference):
        reference()
        shop()
        for number in range(1, pairs + 1):
            outcome.reference.append(reference())
            outcome.shop.append(shop())
            share = outcome.by_rate()[-1]
            tell(f"{case.name}: pair {number} of {pairs}: {share:.2f}")
    return outcome


def compare_all(
    cases: Iterable[Case], pairs: int, tell: Callable[[str], None]
) -> Iterator[Outcome]:
    """Measure one case after the other; one that fails does not stop the others."""
    for case in cases:
        try:
            yield compare(case, pairs, tell)
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}".strip().splitlines()[0]
            tell(f"{case.name}: {trouble}")
            yield Outcome(case, trouble=trouble)


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process and its children have used, those ended too."""
    used = 0.0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
        used += times.children_user + times.children_system
    return used


def timed(work: Callable[[], int], web: int, database: int | None = None) -> Round:
    """Measure a piece of work that counts what it has done.

    :param web: the process whose CPU time counts as ours, with its children.
    :param database: the same for Postgres.
    """
    begun = perf_counter()
    web_before = cpu_seconds(web)
    database_before = cpu_seconds(database) if database else 0.0
    done = work()
    seconds = perf_counter() - begun
    return Round(
        per_second=done / seconds,
        web_ms=1000 * (cpu_seconds(web) - web_before) / done,
        database_ms=1000 * (cpu_seconds(database) - database_before) / done
        if database
        else 0.0,
    )
