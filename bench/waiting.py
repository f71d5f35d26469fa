"""Pages, polls and webhooks while checkouts wait for Stripe: `python -m bench.waiting`.

At a modest pace, on one server, in turn: alone; while 48 customers check out as fast as
a Stripe of 300 ms lets them, which keeps the cores busy too; and while 48 wait for one
of 3 s, which keeps hardly more than threads. Written into docs/performance.md.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import psycopg2

from bench.cases import asked_just_now, checkouts, paid, signed
from bench.load import Asked, Load, crowd, deliveries, pace
from bench.measure import cpu_seconds
from bench.orders import add_payable
from bench.report import machine, markdown, tell, told, write
from bench.stage import Server, SlowStripe, Stage, running_stage
from tests.factories.events import WEBHOOKS

CUSTOMERS = 48
ROUNDS, SECONDS = 5, 10.0
# Of each path so many a second: far from all that the machine can do.
A_SECOND = 20
# Until all customers wait, and the connections are made.
BEFOREHAND = 2.0
LOOK_SECONDS = 0.02
WAITS = (0.3, 3.0)
HELD = """
    SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%'),
        count(*) FILTER (WHERE state = 'active'),
        coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
    FROM pg_stat_activity WHERE application_name = 'storefront'
"""


@dataclass(frozen=True, slots=True)
class Look:
    """The shop's connections at one moment. `oldest`: seconds since it began."""

    in_transaction: int
    active: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Time:
    """What was seen in one round. `pause`: what Stripe took; None: nobody bought."""

    pause: float | None
    loads: dict[str, Load]
    looks: Sequence[Look]
    web_seconds: float
    checkouts: Load | None = None


@dataclass(slots=True)
class Scene:
    """A shop at which all of it happens."""

    stage: Stage
    server: Server
    stripe: SlowStripe
    times: list[Time] = field(default_factory=list)

    def spend(self, pause: float | None, seconds: float) -> Time:
        """Let everybody ask for so long."""
        asked = _asked(self.stage, round(2 * A_SECOND * seconds))
        with (
            ThreadPoolExecutor() as asking,
            _looking(self.stage.database_url) as looks,
        ):
            customers = self._customers(asking, pause, BEFOREHAND + seconds)
            time.sleep(BEFOREHAND)
            looks.clear()
            before = cpu_seconds(self.server.pid)
            paths = {
                name: asking.submit(
                    pace, self.server, some, A_SECOND, seconds=seconds, every=1.0
                )
                for name, some in asked.items()
            }
            loads = {name: path.result() for name, path in paths.items()}
            spent = cpu_seconds(self.server.pid) - before
            seen = tuple(looks)
            bought = customers.result() if customers else None
        return Time(pause, loads, seen, spent, bought)

    def _customers(
        self, asking: ThreadPoolExecutor, pause: float | None, seconds: float
    ) -> Future[Load] | None:
        if pause is None:
            return None
        self.stripe.take(pause)
        buying = partial(crowd, anew=True, may_refuse=True)
        return asking.submit(buying, self.server, checkouts(), CUSTOMERS, seconds)


def _asked(stage: Stage, number: int) -> dict[str, list[Asked]]:
    """Give so many requests for each path, signed just now."""
    tag = f"waiting{time.time_ns()}"
    (order,) = asked_just_now(stage, add_payable(stage.database_url, 1, tag))
    poll = f"/orders/{order.page_token}/status?every=2&since={int(time.time())}"
    events = signed(paid(stage, number))
    return {
        "catalog": [Asked("/")] * number,
        "order poll, nothing new": [Asked(poll)] * number,
        "webhook, first delivery": list(deliveries(WEBHOOKS, events)),
    }


@contextmanager
def _looking(database_url: str) -> Iterator[list[Look]]:
    """Look at the shop's connections again and again; they are added to a list."""
    looks: list[Look] = []
    ended = threading.Event()

    def look() -> None:
        with closing(psycopg2.connect(database_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not ended.wait(LOOK_SECONDS):
                    cursor.execute(HELD)
                    waiting, active, oldest = cursor.fetchone()
                    looks.append(Look(waiting, active, float(oldest)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


# Tables


def paths_table(times: Sequence[Time]) -> str:
    """Give a row for each path: its p95 alone, and while others wait."""
    columns = [
        "path",
        "p50 alone, ms",
        "p95 alone, ms",
        *(
            f"{what}{_of(pause)}"
            for pause in WAITS
            for what in ("p95, ms, Stripe takes ", "ratio, ")
        ),
    ]
    return markdown(columns, [[*_path(times, path)] for path in times[0].loads])


def _path(times: Sequence[Time], path: str) -> Iterator[str]:
    alone = _figures(times, None, lambda one: one.loads[path].p95)
    yield path
    yield told(median(_figures(times, None, lambda one: one.loads[path].p50)))
    yield told(median(alone))
    for pause in WAITS:
        then = _figures(times, pause, lambda one: one.loads[path].p95)
        pairs = zip(alone, then, strict=True)
        yield told(median(then))
        yield f"{median(late / early for early, late in pairs):.2f}"


def checkouts_table(times: Sequence[Time]) -> str:
    """Give a row for each Stripe: how many check out, and what the database sees."""
    columns = (
        "Stripe takes",
        *("checkouts/s", "ideal", "share", "CPU web, ms", "p50, ms", "p95, ms"),
        *("told to come again", "idle in transaction, mean – most"),
        *("active, mean – most", "longest transaction, ms"),
    )
    return markdown(columns, [_row(times, pause) for pause in WAITS])


def _row(times: Sequence[Time], pause: float) -> list[str]:
    ideal = CUSTOMERS / pause
    rate = median(_figures(times, pause, _rate))
    alone = median(_figures(times, None, lambda one: one.web_seconds))
    spent = [
        1000 * (one.web_seconds - alone) / (_rate(one) * SECONDS)
        for one in times
        if one.pause == pause
    ]
    looks = [look for one in times if one.pause == pause for look in one.looks]
    loads = [one.checkouts for one in times if one.pause == pause and one.checkouts]
    return [
        _of(pause),
        *(told(rate), told(ideal), f"{rate / ideal:.2f}", told(median(spent))),
        told(median(load.p50 for load in loads)),
        told(median(load.p95 for load in loads)),
        f"{sum(load.refused for load in loads):,} of"
        f" {sum(load.refused + load.done for load in loads):,}",
        _mean_and_most([look.in_transaction for look in looks]),
        _mean_and_most([look.active for look in looks]),
        told(1000 * max(look.oldest for look in looks)),
    ]


def _rate(one: Time) -> float:
    return one.checkouts.done / one.checkouts.seconds if one.checkouts else 0.0


def _figures(
    times: Sequence[Time], pause: float | None, figure: Callable[[Time], float]
) -> list[float]:
    return [figure(one) for one in times if one.pause == pause]


def _mean_and_most(found: Sequence[int]) -> str:
    return f"{told(sum(found) / len(found))} – {max(found)}"


def _of(pause: float) -> str:
    return f"{pause:g} s"


def main() -> None:
    """Measure in turn; write the tables where there were enough rounds."""
    parser = argparse.ArgumentParser("python -m bench.waiting")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    times = list(_times(rounds))
    tables = f"{paths_table(times)}\n\n{checkouts_table(times)}"
    sys.stdout.write(f"\n{tables}\n")
    if rounds >= ROUNDS:
        when = f"Measured on {time.strftime('%Y-%m-%d')} {machine()}."
        write("waiting", f"{when}\n\n{tables}")


def _times(rounds: int) -> Iterator[Time]:
    with (
        running_stage() as stage,
        stage.slow_stripe(0.0) as stripe,
        stage.shop(**stripe.settings()) as server,
    ):
        scene = Scene(stage, server, stripe)
        scene.spend(WAITS[0], SECONDS / 2)
        for number in range(1, rounds + 1):
            for pause in (None, *WAITS):
                one = scene.spend(pause, SECONDS)
                p95 = ", ".join(f"{told(load.p95)} ms" for load in one.loads.values())
                who = _of(pause) if pause else "alone"
                tell(f"round {number}, {who}: {_rate(one):.1f}/s, p95 {p95}")
                yield one


if __name__ == "__main__":
    main()
