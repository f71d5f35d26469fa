"""Chaos: customers at the real server, one fault after the other, then all books.

    python -m tests.chaos --minutes 3 --seed 7

Ctrl-C ends a run early; it is checked all the same. The exit code is 1 where anything
does not agree.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2

from tests.chaos.crowd import Crowd
from tests.chaos.customers import Customer, arrivals
from tests.chaos.director import Director
from tests.chaos.ending import DEADLINES_PASS, compare
from tests.chaos.faults import FAULTS
from tests.chaos.notes import Notes
from tests.chaos.plot import draw
from tests.chaos.report import PLOT, Run, lines, page
from tests.chaos.schedule import plan
from tests.chaos.stage import ROOT, Stage, running_stage

# Customers who ask at the same time; the shop's two workers have 80 threads.
THREADS = 96
# At the full rate about 120 are inside. Where the machine bears less, more would only
# stand in line: who comes then is turned away at the door.
MOST_INSIDE = 150
GLANCE_SECONDS, NEWS_SECONDS = 0.02, 5.0
SECONDS_TO_LEAVE = 60.0
# What has not been paid after a minute is given up by the shop, as after an hour.
ABANDONED_AFTER = "60 seconds"
# A run as long as this is the one that the docs show.
MINUTES_WORTH_KEEPING = 30
KEPT, PASSING = ROOT / "docs", ROOT / ".chaos"


def main() -> int:
    """Run, report, and tell whether all agrees."""
    options = _options()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    _say(f"chaos for {options.minutes:g} minutes, SEED={seed}")
    with running_stage() as stage:
        run = _run(stage, seed, options.minutes * 60, options.rate)
    for line in lines(run):
        _say(line)
    for sentence in run.outcome.differences:
        _say(f"DIFFERENCE: {sentence}")
    folder = KEPT if options.minutes >= MINUTES_WORTH_KEEPING else PASSING
    _say(f"the report: {_write(run, folder).relative_to(ROOT)}")
    return 1 if run.outcome.differences else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("chaos")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=lambda text: int(text) if text else None)
    parser.add_argument("--rate", type=float, default=20)
    return parser.parse_args()


def _run(stage: Stage, seed: int, seconds: float, rate: float) -> Run:
    notes = Notes()
    crowd = Crowd(THREADS)
    director = Director(stage, notes, plan(seed, list(FAULTS)), seconds)
    people = arrivals(stage.server.url, stage.emulator.url, notes, seed)
    director.start()
    try:
        _let_in(crowd, people, director, notes, seconds, rate, stage)
    except KeyboardInterrupt:
        _say("ended early; now everything comes to rest and is checked")
        seconds = notes.now()
    director.end()
    if director.error:
        raise director.error
    _say("the last customers leave")
    if not crowd.leave(SECONDS_TO_LEAVE):
        notes.strange.append("Some customers are still waiting for something.")
    _say("everything comes to rest")
    outcome = compare(stage, notes, _say)
    outcome.differences.extend([*director.never_recovered(), *notes.strange])
    return Run(seed, seconds, rate, notes, director.strikes, outcome)


def _let_in(
    crowd: Crowd,
    people: Iterator[Customer],
    director: Director,
    notes: Notes,
    seconds: float,
    rate: float,
    stage: Stage,
) -> None:
    """Let customers in at the rate, until the time is over."""
    came, news_at = 0, 0.0
    while (now := notes.now()) < seconds:
        while came < now * rate:
            came += 1
            if crowd.inside < MOST_INSIDE:
                crowd.enter(next(people).visit())
            else:
                notes.ended("turned away")
        if now >= news_at:
            news_at += NEWS_SECONDS
            _tell(now, crowd, director, notes)
            threading.Thread(target=_let_time_pass, args=[stage], daemon=True).start()
        time.sleep(GLANCE_SECONDS)


def _tell(now: float, crowd: Crowd, director: Director, notes: Notes) -> None:
    minutes, seconds = divmod(int(now), 60)
    _say(
        f"{minutes:02}:{seconds:02}  {len(notes.sessions):6} orders  {crowd.inside:4} "
        f"customers inside  {notes.errors():5} errors  {director.now}"
    )


def _let_time_pass(stage: Stage) -> None:
    # The database may be what is being broken.
    with suppress(psycopg2.Error):
        stage.rows(DEADLINES_PASS, ABANDONED_AFTER)


def _write(run: Run, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    draw(run, folder / PLOT)
    report = folder / "chaos.md"
    report.write_text(page(run), "utf-8")
    return report


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a program for a terminal


if __name__ == "__main__":
    sys.exit(main())
