"""Writes docs/reliability.md: each fault, what we promise, and the tests that try it.

A test names the rows it proves in its docstring, "Row 3: …" or "Rows 1 and 2: …". What
became of it is read from the report (junit XML) of a real run.
"""

import ast
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"Rows? ([0-9, and to]+):")

# The fault, and what holds all the same.
ROWS = {
    1: ("one event delivered many times at once", "one change, one receipt"),
    2: ("one event again for days, also after we forgot it", "no effect"),
    3: ("a refund told of before its payment", "kept, and matched later"),
    4: ("news that overtakes the answer to our own call", "paid once"),
    5: ("paid after the order was given up", "revived; the owner is told"),
    6: ("a session called expired after it was paid", "stays paid"),
    7: ("a delayed payment, succeeding or failing days later", "nothing before it"),
    8: ("unknown events, other API versions, missing members", "2xx, no effect"),
    9: ("another amount or currency than the order's", "not paid; both figures told"),
    10: ("an unknown order, or the other mode", "no effect, or asked to come again"),
    11: ("a webhook lost for good", "heals by the page or the next walk"),
    12: ("an event that Stripe never made", "found by its object"),
    13: ("the endpoint down, then everything at once", "all applied, pages served"),
    14: ("the signing secret rolled", "both are good, then one"),
    15: ("a secret missing, empty or a placeholder", "the start stops by name"),
    16: ("the database away when a webhook comes", "5xx at once; the retry applies"),
    17: ("killed after the commit, before the answer", "the retry is a no-op"),
    18: ("webhook, page and jobs at the same instant", "one winner, nobody fails"),
    19: ("double click, reload, a client's retry", "one order, one session"),
    20: ("the same key with another cart", "refused, nothing made"),
    21: ("killed before Stripe was asked", "continued under its key, or expired"),
    22: ("killed before Stripe's answer was kept", "the same session, or closed"),
    23: ("Stripe's answer lost", "the next try finds the same session"),
    24: ("an error that Stripe keeps under our key", "another key, no second page"),
    25: ("Stripe refused, limited, down", "503 with a hint; recovers alone"),
    26: ("Stripe silent under many buyers", "ends in time; pages stay quick"),
    27: ("two payments of one order", "one counts, the other is listed"),
    29: ("an expiry at the instant of the payment", "ends paid, in either order"),
    30: ("an overdue order, open or paid at Stripe", "Stripe is asked first"),
    31: ("several processes with a clock each", "each due run once"),
    32: ("gunicorn with --preload", "one live clock a worker, no shared socket"),
    33: ("the process that has a job is killed", "another takes over"),
    34: ("a job raises", "noted, and it comes again"),
    35: ("ten thousand overdue orders", "drained in ten minutes, at Stripe's pace"),
    36: ("our clock ahead or behind", "deadlines go by the database's"),
    37: ("killed before a letter is sent", "it is sent later"),
    38: ("killed after a letter was taken", "one repeat at most, same Message-ID"),
    39: ("the mail server away", "nothing lost, all sent on return"),
    40: ("a mail server that never speaks", "a timeout; nobody waits"),
    41: (
        "a mail server that refuses, for now or for good",
        "again, or parked and told",
    ),
    42: ("a receipt asked for again, ten times", "three copies; nothing else moves"),
    43: ("a refund or a dispute", "letters of its own, never the receipt again"),
    44: ("Postgres crashed under load", "back at once, nothing acknowledged lost"),
    45: ("all connections cut", "the first request succeeds"),
    46: ("a deadlock, a lock that is not given", "503 with a hint; the retry applies"),
    47: ("Postgres frozen", "requests end; recovers alone"),
    48: ("a disk that is full, under the logs", "orders and webhooks go on"),
    49: ("old and new code over one schema", "both work"),
    50: ("a rolling restart under load", "no request fails"),
    51: ("workers killed under load", "only their requests; nothing lost"),
    52: ("partial refunds, up to the whole", "the sum follows Stripe's"),
    54: ("a refund made in Stripe's dashboard", "appears like any other"),
    55: ("a sum of refunds without the refunds", "each counted once, by its id"),
    56: ("a dispute", "listed for the owner at each stage"),
    57: ("a download before paying or after a refund", "refused"),
    59: ("an old backup restored", "paid orders come back from Stripe"),
}
MISSING = {
    28: "nothing is limited in number, and there are no coupons yet",
    53: "refunds are made in Stripe's dashboard; there is no desk yet",
    58: "erasure of a customer's data is not built yet",
}


HEAD = """
## Faults, promises, tests

| row | fault | promise | tests, and what became of them |
| --- | --- | --- | --- |"""


def main(report: Path) -> None:
    """Write the page from a report."""
    outcomes = _outcomes(report)
    tests = list_tests()
    lines = [HEAD]
    for number, (fault, promise) in ROWS.items():
        mine = [test for test in tests if number in tests[test]]
        lines.append(f"| {number} | {fault} | {promise} | {_told(mine, outcomes)} |")
    lines.append("\n## Not covered\n")
    lines += [f"- Row {number}: {why}." for number, why in MISSING.items()]
    PAGE.write_text(_before() + "\n".join(lines) + "\n" + _after(), "utf-8")


def rows_of(docstring: str | None) -> set[int]:
    """Read which rows a docstring names."""
    found = NAMED.match(docstring or "")
    rows: set[int] = set()
    if found:
        for part in re.split(r",|and", found.group(1)):
            first, _, last = part.partition("to")
            rows.update(range(int(first), int(last or first) + 1))
    return rows


def list_tests() -> dict[tuple[str, str], set[int]]:
    """List the tests that name rows, by module and name."""
    tests = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                rows = rows_of(ast.get_docstring(node))
                if rows:
                    tests[module, node.name] = rows
    return tests


def _outcomes(report: Path) -> dict[tuple[str, str], list[bool]]:
    """Read what became of each test; a parametrized one was run several times."""
    outcomes: dict[tuple[str, str], list[bool]] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own file
        name = str(case.get("name")).partition("[")[0]
        passed = not any(child.tag in ("failure", "error", "skipped") for child in case)
        module, _, last = str(case.get("classname")).rpartition(".")
        for key in ((str(case.get("classname")), name), (module, last)):
            outcomes.setdefault(key, []).append(passed)
    return outcomes


def _told(
    tests: list[tuple[str, str]], outcomes: dict[tuple[str, str], list[bool]]
) -> str:
    told = []
    for module, name in tests:
        results = outcomes.get((module, name)) or _of_class(name, outcomes)
        sign = "passed" if results and all(results) else "NOT PASSED"
        times = f", {len(results)} times" if len(results) > 1 else ""
        words = name.removeprefix("test_").replace("_", " ")
        told.append(f"{words} ({sign}{times})")
    return "<br>".join(told) or "**no test**"


def _of_class(name: str, outcomes: dict[tuple[str, str], list[bool]]) -> list[bool]:
    """Find a state machine's run, which pytest names after its test case."""
    found = [
        out for (_, test), out in outcomes.items() if name in (test, f"Test{test}")
    ]
    return found[0] if found else []


def _before() -> str:
    text = PAGE.read_text("utf-8")
    return text[: text.index("\n## Faults, promises, tests")]


def _after() -> str:
    text = PAGE.read_text("utf-8")
    return text[text.index("\n## Figures") :]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
