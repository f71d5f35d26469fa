"""What was measured, for people: a table for the terminal and for a page."""

import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import strftime

from bench.measure import Outcome, Round

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PLOT = "performance.svg"
COLUMNS = (
    "path",
    "reference",
    "requests/s",
    "p50, ms",
    "p99, ms",
    "CPU web, ms",
    "CPU database, ms",
    "requests/s, reference",
    "CPU web, ms, reference",
    "ratio by requests/s",
    "ratio by CPU",
    "goal",
    "reached",
)
WORDS = 2


def page(outcomes: Sequence[Outcome]) -> str:
    """Give what stands in the docs: where and how it was measured, plot, table."""
    pairs = max(len(one.shop) for one in outcomes)
    return "\n".join(
        [
            f"Measured on {datetime.now(UTC):%Y-%m-%d}, {pairs} pairs of rounds a row,"
            f" {machine()}.",
            "",
            f"![The shop's share of its reference, and the goal, by path]({PLOT})",
            "",
            table(outcomes),
        ]
    )


def machine() -> str:
    """Say what was measured on; server, database and load share it."""
    return (
        f"with Python {platform.python_version()} on {os.cpu_count()} cores"
        f" ({platform.system()}, {platform.machine()})"
    )


def table(outcomes: Iterable[Outcome]) -> str:
    """Give a row for each case, as Markdown."""
    return markdown(COLUMNS, map(_row, outcomes), words=WORDS)


def markdown(
    columns: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1
) -> str:
    """Write a Markdown table; but for the first columns, of words, all are figures."""
    rules = ["---" if place < words else "---:" for place in range(len(columns))]
    lines = [columns, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_between(text: str, name: str, content: str) -> str:
    """Put content between the two marks of that name, in place of what stands there.

    :raises ValueError: the marks are not there.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"The marks of {name} are missing.")
    return f"{before}{begin}{content}\n{end}{after}"


def write(name: str, content: str, path: Path = PAGE) -> None:
    """Put content between two marks of the page."""
    path.write_text(put_between(path.read_text("utf-8"), name, content), "utf-8")


def tell(sentence: str) -> None:
    """Say on the terminal how far it is."""
    sys.stdout.write(f"{strftime('%H:%M:%S')}  {sentence}\n")
    sys.stdout.flush()


def _row(outcome: Outcome) -> list[str]:
    case = outcome.case
    if outcome.trouble:
        empty = [""] * (len(COLUMNS) - WORDS - 2)
        trouble = outcome.trouble.replace("|", "/")
        return [
            *(case.name, f"{case.reference} – not measured: {trouble}"),
            *(*empty, f"{case.goal:.2f}", "not measured"),
        ]
    rate, cpu = outcome.by_rate(), outcome.by_cpu()
    return [
        *(case.name, case.reference, *_ours(outcome.shop)),
        usual(outcome.reference, lambda one: one.per_second),
        usual(outcome.reference, lambda one: one.web_ms or None),
        f"{min(rate):.2f} – **{median(rate):.2f}** – {max(rate):.2f}",
        f"{median(cpu):.2f}" if cpu else "",
        *(f"{case.goal:.2f}", "yes" if outcome.reached else "no"),
    ]


def _ours(rounds: Sequence[Round]) -> Iterator[str]:
    yield usual(rounds, lambda one: one.per_second)
    yield usual(rounds, lambda one: one.p50)
    yield usual(rounds, lambda one: one.p99)
    yield usual(rounds, lambda one: one.web_ms)
    yield usual(rounds, lambda one: one.database_ms)


def usual(rounds: Sequence[Round], figure: Callable[[Round], float | None]) -> str:
    """Give the median of a figure; nothing where the rounds do not have it."""
    found = [value for value in map(figure, rounds) if value is not None]
    return told(median(found)) if found else ""


def told(value: float) -> str:
    """Write a figure with as many places as it is good for."""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{places}f}"
