"""Says at the end of a run what was left out; where CI is set that is a failure.

A plugin of `make test`, which looks for the tools and exports what it found.
"""

import os

import pytest

# The variable that names a tool -> what goes untested without it.
TOOLS = {
    "CHROMIUM": "No Chromium could be had: the browser tests were left out.",
    "PGBOUNCER": "No PgBouncer could be had: the shop was not tried behind one.",
}


def _left_out() -> list[str]:
    return [text for name, text in TOOLS.items() if not os.environ.get(name)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI that could not test everything."""
    on_ci = os.environ.get("CI", "").lower() in {"1", "true"}
    if on_ci and _left_out() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what is missing just above the closing line."""
    for sentence in _left_out():
        terminalreporter.write_line(sentence, yellow=True)
