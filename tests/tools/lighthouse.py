"""Asks Lighthouse, as a phone on a slow line, what it thinks of the demo's pages.

Starts the demo, measures, stops it, and writes docs/lighthouse.md. Lighthouse comes
by npm, through npx and into its cache; the project itself needs no node.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from tests.tools.chromium import find_chromium

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "lighthouse.md"
LIGHTHOUSE = "lighthouse@13.5.0"
# A machine at work makes pages look slow: the middle one of some runs counts.
RUNS = int(os.environ.get("RUNS", "3"))
ATTEMPTS = 3
PATHS = (
    "/",
    "/es/",
    "/products/birth-chart-reading",
    "/products/three-birth-charts",
    "/products/almanac-2027",
    "/pt/products/almanac-2027-printed",
    "/faq",
    "/terms",
)
LEAST = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
TIMES = {
    "first-contentful-paint": "FCP",
    "largest-contentful-paint": "LCP",
    "total-blocking-time": "TBT",
    "cumulative-layout-shift": "CLS",
    "total-byte-weight": "weight",
}
CHROME = "--headless --no-sandbox --disable-gpu"

Report = dict[str, Any]


def main() -> int:
    """Measure and write down; give 1 where something is missing or below."""
    npx, chromium = shutil.which("npx"), find_chromium()
    if not npx or not chromium:
        missing = "node with npx" if not npx else "Chromium"
        say(f"Lighthouse needs {missing}, and there is none: nothing was measured.")
        return 1
    with running_demo() as url:
        reports = [(path, measure(npx, chromium, url + path)) for path in PATHS]
    table = "\n".join(lines(reports))
    PAGE.write_text(table + "\n", "utf-8")
    say(table)
    low = [fault for path, report in reports for fault in faults(path, report)]
    say("\n".join(low) or "All pages reach what they should.")
    return 1 if low else 0


def say(text: str) -> None:
    """Tell whoever sits at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def running_demo() -> Iterator[str]:
    """Start the demo; give the shop's address."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "demo"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            if not any(line.startswith("Ctrl-C") for line in demo.stdout):
                raise SystemExit("The demo did not start.")
            yield str(dotenv_values(ROOT / "instance" / "demo.env")["BASE_URL"])
        finally:
            demo.send_signal(signal.SIGINT)


def measure(npx: str, chromium: str, url: str) -> Report:
    """Let Lighthouse look some times; give the report in the middle."""
    say(f"Measuring {url}")
    found = sorted((_look(npx, chromium, url) for _ in range(RUNS)), key=performance)
    return found[(len(found) - 1) // 2]


def _look(npx: str, chromium: str, url: str) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        command = [
            *(npx, "--yes", LIGHTHOUSE, url, "--quiet", "--output=json"),
            *(f"--output-path={file}", f"--chrome-flags={CHROME}"),
        ]
        environment = {**os.environ, "CHROME_PATH": chromium}
        # Where much else runs, a browser may come too late for its own measuring.
        for _ in range(ATTEMPTS):
            answer = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if answer.returncode == 0:
                report: Report = json.loads(file.read_text("utf-8"))
                return report
    raise SystemExit(f"Lighthouse could not measure {url}:\n{answer.stderr[-1000:]}")


def performance(report: Report) -> float:
    """Give the score that differs from run to run."""
    return float(report["categories"]["performance"]["score"])


def lines(reports: list[tuple[str, Report]]) -> Iterator[str]:
    """Write the table."""
    version = reports[0][1]["lighthouseVersion"]
    yield "# What Lighthouse says\n"
    yield (
        f"Lighthouse {version}, mobile preset, on the demo's public pages, run on"
        f" {datetime.now(UTC):%Y-%m-%d}{_told_runs()}."
        " `make lighthouse` measures again and writes this page.\n"
    )
    yield f"| page | {' | '.join([*LEAST, *TIMES.values()])} |"
    yield "| --- |" + " ---: |" * (len(LEAST) + len(TIMES))
    for path, report in reports:
        scores = [str(score(report, name)) for name in LEAST]
        times = [
            report["audits"][name]["displayValue"].replace("\xa0", " ")
            for name in TIMES
        ]
        times[-1] = times[-1].removeprefix("Total size was ")
        yield f"| `{path}` | {' | '.join(scores + times)} |"


def _told_runs() -> str:
    return f"; of {RUNS} runs the middle one" if RUNS > 1 else ""


def score(report: Report, category: str) -> int:
    """Give a score of a hundred."""
    return round(report["categories"][category]["score"] * 100)


def faults(path: str, report: Report) -> Iterator[str]:
    """Name what stays below, with the audits that say why."""
    for name, least in LEAST.items():
        if score(report, name) < least:
            causes = [
                one["id"]
                for one in report["categories"][name]["auditRefs"]
                if one["weight"] and (report["audits"][one["id"]]["score"] or 0) < 0.9
            ]
            yield f"{path}: {name} {score(report, name)} ({', '.join(causes)})"


if __name__ == "__main__":
    sys.exit(main())
