"""The report of a run, for people: written for the terminal and as a page."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.chaos.director import Strike
from tests.chaos.ending import Outcome
from tests.chaos.faults import FAULTS
from tests.chaos.notes import Notes
from tests.chaos.numbers import paces, recoveries

PLOT = "chaos.svg"


@dataclass(frozen=True)
class Run:
    """A run that is over. `rate`: the orders a second that were asked for."""

    seed: int
    seconds: float
    rate: float
    notes: Notes
    strikes: Sequence[Strike]
    outcome: Outcome

    @property
    def orders(self) -> int:
        """Count the orders that were acknowledged within the time of the run."""
        return sum(one.is_order and one.at < self.seconds for one in self.notes.answers)

    @property
    def reached(self) -> float:
        """Give the orders a second that were reached."""
        return self.orders / self.seconds

    @property
    def slowest(self) -> Strike | None:
        """Give the strike that took longest to recover from."""
        known = [one for one in self.strikes if one.recovered is not None]
        return max(known, key=lambda one: one.recovered or 0, default=None)


def lines(run: Run) -> Iterator[str]:
    """Give what matters most, a line each."""
    outcome, slowest = run.outcome, run.slowest
    errors = run.notes.errors()
    yield f"seed: {run.seed}"
    yield f"length: {run.seconds / 60:.1f} minutes under load"
    yield (
        f"orders: {run.orders}, {run.reached:.1f} a second; the target is {run.rate:g}"
    )
    yield f"what became of them: {_counted(outcome.orders)}"
    yield (
        f"Stripe collected {outcome.payments} payments; {outcome.events} events came in"
    )
    yield f"letters: {_counted(outcome.letters)}; parked and told: {outcome.parked}"
    yield f"letters still to be sent when the last customer left: {outcome.unsent}"
    yield f"matters for the owner: {_counted(outcome.matters) or 'none'}"
    yield f"faults: {len(run.strikes)}, of {len({s.name for s in run.strikes})} kinds"
    yield f"answers: {len(run.notes.answers)}, {errors} of them errors"
    if slowest:
        yield f"slowest recovery: {slowest.recovered:.1f} s, after: {slowest.name}"
    yield f"at rest {outcome.seconds_to_rest:.0f} s after the last customer"
    yield f"differences: {len(outcome.differences)}"


def page(run: Run) -> str:
    """Give the whole report as Markdown."""
    given = f"MINUTES={run.seconds / 60:g} RATE={run.rate:g} SEED={run.seed}"
    head = [
        "# A run of chaos",
        "",
        f"Written by `make chaos {given}` on "
        f"{datetime.now(UTC):%Y-%m-%d}, with Python {platform.python_version()} on "
        f"{os.cpu_count()} cores that shop, database, emulator and customers shared.",
        "",
        *(f"- {line}" for line in lines(run)),
        "",
        f"![Orders, errors, answers and faults over time]({PLOT})",
        "",
    ]
    return "\n".join([*head, *_differences(run), *_faults(run), *_answers(run), ""])


def _differences(run: Run) -> Iterator[str]:
    yield "## Differences\n"
    if run.outcome.differences:
        yield from (f"- {sentence}" for sentence in run.outcome.differences)
    else:
        yield "None: orders, Stripe's ledger, letters and all promises agree."
    yield ""


def _faults(run: Run) -> Iterator[str]:
    yield "## Faults\n"
    yield (
        "Recovery is the time from the end of the fault until a new customer's sale, "
        "from checkout to paid, or a letter comes through, under full load. The rows "
        "are those of [the table](reliability.md)."
    )
    yield "\n| fault | rows | times | median recovery | slowest |"
    yield "| --- | --- | --- | --- | --- |"
    for row in recoveries(run.strikes):
        rows = ", ".join(map(str, FAULTS[row.name].rows))
        slowest = "never" if row.slowest is None else f"{row.slowest:.1f} s"
        yield f"| {row.name} | {rows} | {row.times} | {row.usual:.1f} s | {slowest} |"
    yield ""


def _answers(run: Run) -> Iterator[str]:
    yield "## Answers\n"
    yield "Errors are 5xx and connections that were cut; the times are of the others.\n"
    yield "| of | answers | errors | p50 | p95 |"
    yield "| --- | --- | --- | --- | --- |"
    for row in paces(run.notes.answers):
        yield (
            f"| {row.deed} | {row.answers} | {row.errors} "
            f"| {row.p50 * 1000:.0f} ms | {row.p95 * 1000:.0f} ms |"
        )


def _counted(counts: Counter[str]) -> str:
    told = (f"{n} {name.replace('_', ' ')}" for name, n in counts.most_common())
    return ", ".join(told)
