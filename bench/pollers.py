"""A thousand order pages that ask every two seconds: `python -m bench.pollers`.

Each follows an order of its own that waits to be paid. In turn: on lines that are kept,
as browsers keep them, and each time on a new one, as a proxy may do that keeps none.
Written into docs/performance.md.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from bench.cases import asked_just_now
from bench.load import Asked, crowd, pace, under_load
from bench.measure import Round
from bench.orders import Payable, add_payable
from bench.report import machine, markdown, tell, told, usual, write
from bench.stage import Server, Stage, running_stage

POLLERS = 1_000
# As a page asks in its first thirty seconds; a round has to end before they are over.
EVERY = 2.0
ROUNDS, SECONDS = 5, 12.0
GOAL_MS = 20.0
KEPT, ANEW = "lines that are kept", "a new line for each poll"


@dataclass(slots=True)
class Pages:
    """The open pages of one shop, and what their rounds have shown."""

    stage: Stage
    server: Server
    orders: Sequence[Payable]
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def poll(self, lines: str) -> None:
        """Let them all ask for a while, as pages do that have just been opened."""
        since = int(time.time())
        asked = [
            Asked(f"/orders/{order.page_token}/status?every=2&since={since}")
            for order in self.orders
        ] * round(SECONDS / EVERY + 2)
        ask = pace if lines == KEPT else partial(crowd, anew=True)
        load = partial(ask, self.server, asked, len(self.orders), SECONDS, EVERY)
        found = under_load(self.server, self.stage.database_pid, load)
        self.rounds.setdefault(lines, []).append(found)


def table(rounds: dict[str, list[Round]]) -> str:
    """Give a row for each way of asking; the medians of its rounds."""
    columns = (
        f"{POLLERS:,} pollers, every {EVERY:g} s",
        *("polls/s", "p50, ms", "p95, ms", "p99, ms"),
        *("CPU web, ms", "CPU database, ms", "busiest worker"),
        f"p99 ≤ {GOAL_MS:g} ms",
    )
    return markdown(columns, [_row(lines, some) for lines, some in rounds.items()])


def _row(lines: str, rounds: Sequence[Round]) -> list[str]:
    p99 = median(one.p99 or 0.0 for one in rounds)
    return [
        lines,
        usual(rounds, lambda one: one.per_second),
        usual(rounds, lambda one: one.p50),
        usual(rounds, lambda one: one.p95),
        told(p99),
        usual(rounds, lambda one: one.web_ms),
        usual(rounds, lambda one: one.database_ms),
        f"{median(one.busiest or 1.0 for one in rounds):.0%}",
        "yes" if p99 <= GOAL_MS else "no",
    ]


def main() -> None:
    """Measure both ways in turn; write the table where there were enough rounds."""
    parser = argparse.ArgumentParser("python -m bench.pollers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with running_stage() as stage, stage.shop() as server:
        tag = f"pollers{time.time_ns()}"
        orders = add_payable(stage.database_url, POLLERS, tag)
        pages = Pages(stage, server, asked_just_now(stage, orders))
        for number in range(rounds + 1):
            for lines in (KEPT, ANEW):
                pages.poll(lines)
                last = pages.rounds[lines][-1]
                tell(f"round {number}, {lines}: p99 {told(last.p99 or 0.0)} ms")
    # The first of each only warmed up.
    found = table({lines: some[1:] for lines, some in pages.rounds.items()})
    sys.stdout.write(f"\n{found}\n")
    if rounds >= ROUNDS:
        when = f"Measured on {time.strftime('%Y-%m-%d')} {machine()}."
        write("pollers", f"{when}\n\n{found}")


if __name__ == "__main__":
    main()
