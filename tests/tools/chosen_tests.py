"""Runs chosen tests in a given order; notes how long each of them took.

A plugin of the mutants. `CHOSEN_TESTS` names a file with the tests to run, or whole
files of them, one a line; `TEST_SECONDS` one that is written with the seconds of each.
"""

import json
import os
from pathlib import Path

import pytest

SECONDS: dict[str, float] = {}
FAILED: set[str] = set()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the chosen ones, in the order in which they are named."""
    if "CHOSEN_TESTS" not in os.environ:
        return
    names = Path(os.environ["CHOSEN_TESTS"]).read_text("utf-8").splitlines()
    places = {name: place for place, name in enumerate(names)}

    def place(item: pytest.Item) -> int | None:
        return places.get(item.nodeid, places.get(item.nodeid.partition("::")[0]))

    chosen = [(number, item) for item in items if (number := place(item)) is not None]
    items[:] = [item for _, item in sorted(chosen, key=lambda pair: pair[0])]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the time of a test and its fixtures."""
    SECONDS[report.nodeid] = SECONDS.get(report.nodeid, 0.0) + report.duration
    if report.failed:
        FAILED.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the times of what passed, in the process that hears of all tests."""
    if "TEST_SECONDS" in os.environ and not hasattr(session.config, "workerinput"):
        passed = {name: SECONDS[name] for name in SECONDS.keys() - FAILED}
        Path(os.environ["TEST_SECONDS"]).write_text(json.dumps(passed), "utf-8")
