"""Measuring in turn: the reference, the shop, the reference, the shop, …

The machine is noisy, so only what was measured side by side is compared; CPU time per
piece of work is steadier than pieces a second.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

import psutil


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has shown.

    `per_second`: pieces of work done. `web_ms`, `database_ms`: CPU time of each, in
    milliseconds a piece. `p50`, `p95`, `p99`: how long a piece took, in milliseconds.
    `busiest`: the busiest worker's share of what all workers did.
    """

    per_second: float
    web_ms: float
    database_ms: float = 0.0
    p50: float | None = None
    p99: float | None = None
    p95: float | None = None
    busiest: float | None = None


Measure = Callable[[], Round]
# Kept-alive connections stay with the worker that happened to take them. Where that is
# one, a round tells of half a machine; the next draws anew, on the same server.
LOPSIDED = 0.8
TRIES = 3


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

    def last(self) -> str:
        """Tell of the last pair: its ratio, and how evenly its workers were busy."""
        both = self.reference[-1].busiest, self.shop[-1].busiest
        shares = " and ".join(f"{one:.0%}" for one in both if one is not None)
        return f"{self.by_rate()[-1]:.2f}" + (shares and f", busiest worker {shares}")

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
            outcome.reference.append(evenly(reference))
            outcome.shop.append(evenly(shop))
            tell(f"{case.name}: pair {number} of {pairs}: {outcome.last()}")
    return outcome


def evenly(measure: Measure) -> Round:
    """Measure a round; anew where one worker did most of it, a few times at most."""
    for _ in range(TRIES):
        found = measure()
        if found.busiest is None or found.busiest < LOPSIDED:
            break
    return found


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
    root = psutil.Process(pid)
    return sum(map(_used, (root, *root.children(recursive=True))))


def worker_seconds(pid: int) -> dict[int, float]:
    """Give the CPU time of each worker below a process, by its process id."""
    return {child.pid: _used(child) for child in psutil.Process(pid).children()}


def busiest_share(before: dict[int, float], after: dict[int, float]) -> float | None:
    """Give the busiest worker's share of the work; None where there is but one."""
    spent = [after[pid] - before.get(pid, 0.0) for pid in after]
    return max(spent) / sum(spent) if len(spent) > 1 and sum(spent) else None


def _used(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    own = times.user + times.system
    return float(own + times.children_user + times.children_system)
