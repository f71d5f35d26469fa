"""What many orders cost: the same paths on small and large databases, in turn.

    python -m bench.growth 10000 1000000
    python -m bench.growth 10000 10000000 --keep /var/tmp/shops
    python -m bench.growth memory

The machine is noisy, so the databases stand side by side, all idle but the one that is
asked. Both write their table into docs/performance.md; with fewer rounds than usual, it
is only shown. Two shops of one size show what is noise.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import psutil

from bench.cases import AN_HOUR, asked_just_now, checkouts, paid, signed
from bench.load import Asked, Load, crowd, deliver, deliveries, get, under_load
from bench.measure import Measure, Round, evenly
from bench.orders import add_payable, empty_shop, fill, is_filled
from bench.report import machine, markdown, tell, told, usual, write
from bench.stage import Server, Stage, running_stage
from tests.factories.events import WEBHOOKS
from tests.fixtures.shop import READING

# Few: what is looked for is the time of an answer, not what a full machine makes of it.
CONNECTIONS = 3
SECONDS, ROUNDS = 2.0, 15
# More than are delivered in a round, new ones and known ones.
DELIVERIES, REPEATED = 4_000, 16_000
# Delivered before, then again and again.
KNOWN = 100
# Orders of all ages, so that not one page of the table is asked for again and again.
ORDERS = 1_000
REQUESTS, STEP = 200_000, 50_000


@dataclass(slots=True)
class Shop:
    """A shop of so many orders, and how each of its paths is measured."""

    orders: int
    paths: dict[str, Measure]
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def measure(self, path: str) -> None:
        """Measure a round of a path."""
        self.rounds.setdefault(path, []).append(evenly(self.paths[path]))


def main() -> None:
    """Measure what is asked for, and write it down."""
    options = _options()
    if options.sizes == ["memory"]:
        _show("memory", memory_table(list(_memory())), is_kept=True)
        return
    sizes = sorted(map(int, options.sizes))
    with ExitStack() as ending:
        shops = [
            ending.enter_context(_shop(size, options.keep, sizes[:place].count(size)))
            for place, size in enumerate(sizes)
        ]
        for path in shops[0].paths:
            if options.only in path:
                _measure(shops, path, options.rounds)
    is_kept = options.rounds >= ROUNDS and not options.only
    _show("growth", growth_table(shops), is_kept=is_kept)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.growth")
    parser.add_argument("sizes", nargs="+", help="orders of each shop; or: memory")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="paths whose name has these words")
    parser.add_argument(
        "--keep",
        type=Path,
        help="a folder where filled databases stay, to be used again; yours to empty",
    )
    return parser.parse_args()


def _show(name: str, table: str, *, is_kept: bool) -> None:
    sys.stdout.write(f"\n{table}\n")
    if is_kept:
        write(name, f"Measured on {time.strftime('%Y-%m-%d')} {machine()}.\n\n{table}")


def _measure(shops: Sequence[Shop], path: str, rounds: int) -> None:
    """Measure a path in each shop in turn; the first round only warms up."""
    for _ in range(rounds + 1):
        for shop in shops:
            shop.measure(path)
    for shop in shops:
        shop.rounds[path].pop(0)
    tell(f"{path}: {', '.join(_in_short(shop.rounds[path]) for shop in shops)}")


def _in_short(rounds: Sequence[Round]) -> str:
    """Tell p99; and of each round CPU time, and the busiest worker's share of it."""
    each = " ".join(f"{told(one.web_ms)}/{one.busiest or 1.0:.0%}" for one in rounds)
    return f"{usual(rounds, lambda one: one.p99)} ms ({each})"


# A table


def growth_table(shops: Sequence[Shop]) -> str:
    """Give a row for each path: p99 and CPU time at each size, and how they grow."""
    sizes = [f"{shop.orders:,}" for shop in shops]
    columns = [
        "path",
        *(f"p99 at {size}, ms" for size in sizes),
        "ratio",
        *(f"CPU at {size}, ms" for size in sizes),
        "ratio",
    ]
    rows = [
        [
            path,
            *_figures(shops, path, lambda one: one.p99 or 0.0),
            *_figures(shops, path, lambda one: one.web_ms + one.database_ms),
        ]
        for path in shops[0].rounds
    ]
    return markdown(columns, rows)


def _figures(
    shops: Sequence[Shop], path: str, figure: Callable[[Round], float]
) -> Iterator[str]:
    """Give the median at each size, then the median ratio of largest to smallest."""
    found = [[figure(one) for one in shop.rounds[path]] for shop in shops]
    yield from (told(median(values)) for values in found)
    pairs = zip(found[0], found[-1], strict=True)
    yield f"{median(large / small for small, large in pairs):.2f}"


# A shop of so many orders


@contextmanager
def _shop(orders: int, keep: Path | None, alike: int) -> Iterator[Shop]:
    """Run a shop of so many orders, beside so many that have as many."""
    kept = keep / f"{orders}{alike * '-again'}" if keep else None
    with (
        running_stage(partial(_fill, orders), kept) as stage,
        stage.shop() as server,
    ):
        yield Shop(orders, _paths(stage, server))


def _fill(orders: int, folder: Path) -> None:
    folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    with empty_shop(folder) as url:
        if is_filled(url):
            tell(f"{folder} was filled before, and is used as it is")
        else:
            tell(f"{orders:,} orders are filled in")
            fill(url, orders, tell)


def _paths(stage: Stage, server: Server) -> dict[str, Measure]:
    """Give how each path is measured, for as long as the stage stands."""
    loads: dict[str, Callable[[], Load]] = {
        "catalog": partial(_get, server, "/"),
        "product page": partial(_get, server, f"/products/{READING}"),
        "order poll, nothing new": partial(_poll, server, _followed(stage)),
        "order page": partial(_crowd, server, _orders(stage, "/orders/{1}")),
        "order by API": partial(_crowd, server, _orders(stage, "/api/orders/{0}")),
        "checkout by API": partial(_crowd, server, checkouts()),
    }
    measures: dict[str, Measure] = {
        name: partial(under_load, server, stage.database_pid, load)
        for name, load in loads.items()
    }
    known = paid(stage, KNOWN, AN_HOUR)
    crowd(server, deliveries(WEBHOOKS, signed(known)), CONNECTIONS, 60.0)
    return {
        **measures,
        "webhook, first delivery": lambda: _delivered(
            stage, server, paid(stage, DELIVERIES)
        ),
        "webhook, repeated": lambda: _delivered(
            stage, server, known * (REPEATED // KNOWN)
        ),
    }


def _delivered(stage: Stage, server: Server, bodies: list[str]) -> Round:
    events = signed(bodies)
    return under_load(
        server,
        stage.database_pid,
        lambda: deliver(server, WEBHOOKS, events, CONNECTIONS, SECONDS),
    )


def _get(server: Server, path: str) -> Load:
    return get(server, path, CONNECTIONS, SECONDS)


def _crowd(server: Server, asked: Iterator[Asked]) -> Load:
    return crowd(server, asked, CONNECTIONS, SECONDS)


def _poll(server: Server, token: str) -> Load:
    # A page that has just been opened: it asks less often once it is older.
    since = int(time.time())
    return _get(server, f"/orders/{token}/status?every=2&since={since}")


def _followed(stage: Stage) -> str:
    """Give the token of an order that waits, and that Stripe was just asked about."""
    tag = f"followed{time.time_ns()}"
    (order,) = asked_just_now(stage, add_payable(stage.database_url, 1, tag))
    return order.page_token


def _orders(stage: Stage, address: str) -> Iterator[Asked]:
    """Ask for paid orders of all ages, one after the other, again and again."""
    found = stage.rows(
        "SELECT id, page_token FROM orders WHERE status = 'paid'"
        " ORDER BY md5(id::text) LIMIT %s",
        ORDERS,
    )
    return cycle([Asked(address.format(*row)) for row in found])


# What the workers hold


@dataclass(frozen=True, slots=True)
class Held:
    """What each worker holds after so many requests, in bytes."""

    requests: int
    workers: tuple[int, ...]


def memory_table(held: Sequence[Held]) -> str:
    """Give a row for each look at the workers, in MiB."""
    columns = [
        "requests",
        *(f"worker {n + 1}, MiB" for n in range(len(held[0].workers))),
    ]
    rows = [
        [f"{one.requests:,}", *(f"{size / 2**20:.1f}" for size in one.workers)]
        for one in held
    ]
    return markdown(columns, rows, words=0)


def _memory() -> Iterator[Held]:
    """Ask for pages and polls in turn; look at the workers every 50,000 requests."""
    with running_stage() as stage, stage.shop() as server:
        asking = (
            partial(_get, server, "/"),
            partial(_get, server, f"/products/{READING}"),
            partial(_poll, server, _followed(stage)),
        )
        # Warm: each page is kept, each thread has its connection.
        done, seen = sum(ask().done for ask in asking), 0
        yield _held(server, done)
        while done < REQUESTS:
            done += sum(ask().done for ask in asking)
            if done // STEP > seen:
                seen = done // STEP
                yield _held(server, done)


def _held(server: Server, requests: int) -> Held:
    workers = psutil.Process(server.pid).children()
    sizes = tuple(worker.memory_info().rss for worker in workers)
    tell(f"{requests:,} requests: {', '.join(f'{n / 2**20:.1f} MiB' for n in sizes)}")
    return Held(requests, sizes)


if __name__ == "__main__":
    main()
