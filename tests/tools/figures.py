"""Adds up the figures that tests have noted, and writes those of a long run down.

The second half is for `make test-long`: it reads the report (junit XML) of a real run
and puts what was done and found into docs/reliability.md, between two marks.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- long run: begin -->\n", "<!-- long run: end -->\n"
FAILED = ("failure", "error")


def summed(found: Iterable[tuple[str, object]]) -> dict[str, float]:
    """Add up figures of one name; of those that begin with "worst" keep the largest."""
    figures: dict[str, float] = {}
    for name, value in found:
        number = float(str(value))
        known = figures.get(name, 0.0)
        worst = name.startswith("worst")
        figures[name] = max(known, number) if worst else known + number
    return figures


def told(value: float) -> str:
    """Write a figure as people do."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def main(report: Path) -> None:
    """Write the figures of a report into the page."""
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    lines = "\n".join(_lines(ElementTree.parse(report)))  # noqa: S314 - our own file
    PAGE.write_text(f"{before}{BEGIN}{lines}\n{END}{after}", "utf-8")


def _lines(report: "ElementTree.ElementTree[ElementTree.Element]") -> Iterator[str]:
    cases = list(report.iter("testcase"))
    run = [case for case in cases if case.find("skipped") is None]
    failed = [case for case in run if any(case.find(tag) is not None for tag in FAILED)]
    suite = next(report.iter("testsuite"))
    day, minutes = str(suite.get("timestamp"))[:10], float(suite.get("time", 0)) / 60
    yield (
        f"The last long run was on {day}, {minutes:.0f} minutes on"
        f" {os.cpu_count()} cores: {len(run)} tests, {len(failed)} failed."
    )
    yield "\n| what | figure |\n| --- | --- |"
    pairs = [
        (str(one.get("name")), one.get("value"))
        for case in run
        if case not in failed
        for one in case.iter("property")
    ]
    for name, value in sorted(summed(pairs).items()):
        yield f"| {name} | {told(value)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
