"""The shop under granian beside the shop under gunicorn: `python -m bench.servers`.

Both with two workers and as many threads, in turn. Written into docs/performance.md;
what else tells them apart stands in docs/decisions.
"""

import argparse
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median

import psutil

from bench.cases import (
    DELIVERIES,
    STRIPE_SECONDS,
    WAITING,
    Pair,
    asked_just_now,
    asking,
    buying,
    delivering,
    paid,
    polling,
)
from bench.measure import Case, Outcome, Round, compare_all
from bench.orders import add_payable
from bench.report import machine, markdown, tell, told, usual, write
from bench.stage import ROOT, WORKERS, Server, SlowStripe, Stage, running_stage, started
from storefront.demo.ports import free_port
from tests.factories.events import WEBHOOKS

ROUNDS = 5
GRANIAN = (sys.executable, "-m", "granian", "--interface=wsgi", "--http=1", "--no-ws")
MEMORY = "memory of all processes, MiB"

Ask = Callable[[Server], Round]


def main() -> None:
    """Measure in turn; write the table where there were enough rounds."""
    parser = argparse.ArgumentParser("python -m bench.servers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with running_stage() as stage, stage.slow_stripe(STRIPE_SECONDS) as stripe:
        cases = [
            Case(path, "gunicorn", 1.0, partial(_both, stage, stripe, ask))
            for path, ask in _paths(stage).items()
        ]
        outcomes = list(compare_all(cases, rounds, tell))
        with _gunicorn(stage, stripe) as ours, _granian(stage, stripe) as other:
            memory = _memory(ours), _memory(other)
    found = f"{table(outcomes)}\n\n{MEMORY}: {told(memory[0])} and {told(memory[1])}."
    sys.stdout.write(f"\n{found}\n")
    if rounds >= ROUNDS:
        when = f"Measured on {time.strftime('%Y-%m-%d')} {machine()}."
        write("servers", f"{when}\n\n{found}")


@contextmanager
def _both(stage: Stage, stripe: SlowStripe, ask: Ask) -> Iterator[Pair]:
    with _gunicorn(stage, stripe) as ours, _granian(stage, stripe) as other:
        yield partial(ask, other), partial(ask, ours)


def _paths(stage: Stage) -> dict[str, Ask]:
    tag = f"servers{time.time_ns()}"
    (order,) = asked_just_now(stage, add_payable(stage.database_url, 1, tag))
    waiting = WAITING["few"]
    return {
        "catalog": lambda server: asking(stage, server, "/"),
        "order poll, nothing new": lambda server: polling(stage, server, order),
        "webhook, first delivery": lambda server: delivering(
            stage, server, WEBHOOKS, paid(stage, DELIVERIES)
        ),
        f"checkout, {waiting} waiting": lambda server: buying(stage, server, waiting),
    }


@contextmanager
def _gunicorn(stage: Stage, stripe: SlowStripe) -> Iterator[Server]:
    with stage.shop(**stripe.settings()) as server:
        yield server


@contextmanager
def _granian(stage: Stage, stripe: SlowStripe) -> Iterator[Server]:
    """Serve the shop by granian, with as many workers and threads."""
    threads = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["threads"]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(*GRANIAN, f"--port={port}", f"--workers={WORKERS}"),
        *(f"--blocking-threads={threads}", "wsgi:app"),
    ]
    env = {**stage.settings(**stripe.settings()), "BASE_URL": url}
    log = stage.folder / "granian.log"
    with started(command, url, "/readyz", env=env, cwd=ROOT, log=log) as server:
        yield server


def _memory(server: Server) -> float:
    """Give what its processes hold, what they share counted once, in MiB."""
    root = psutil.Process(server.pid)
    found = (root, *root.children(recursive=True))
    return sum(one.memory_full_info().pss for one in found) / 2**20


def table(outcomes: Sequence[Outcome]) -> str:
    """Give a row for each path: gunicorn, granian, and what the second gains."""
    figures = ("requests/s", "p50, ms", "p99, ms", "CPU web, ms", "busiest worker")
    columns = [
        "path",
        *(
            f"{figure}, {name}"
            for name in ("gunicorn", "granian")
            for figure in figures
        ),
        *("ratio by requests/s", "ratio by CPU"),
    ]
    return markdown(columns, [_row(one) for one in outcomes])


def _row(outcome: Outcome) -> list[str]:
    if outcome.trouble:
        return [outcome.case.name, f"not measured: {outcome.trouble}", *[""] * 11]
    rate, cpu = outcome.by_rate(), outcome.by_cpu()
    return [
        outcome.case.name,
        *_figures(outcome.reference),
        *_figures(outcome.shop),
        f"{min(rate):.2f} – **{median(rate):.2f}** – {max(rate):.2f}",
        f"{median(cpu):.2f}",
    ]


def _figures(rounds: Sequence[Round]) -> Iterator[str]:
    yield usual(rounds, lambda one: one.per_second)
    yield usual(rounds, lambda one: one.p50)
    yield usual(rounds, lambda one: one.p99)
    yield usual(rounds, lambda one: one.web_ms)
    yield f"{median(one.busiest or 1.0 for one in rounds):.0%}"


if __name__ == "__main__":
    main()
