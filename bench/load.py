"""The load: wrk where it is at hand, else (and for whoever waits or paces) aiohttp."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from time import perf_counter

import aiohttp

from bench.measure import Round, busiest_share, cpu_seconds, worker_seconds
from bench.stage import Server

SCRIPT = Path(__file__).with_name("load.lua")
WRK = shutil.which("wrk")
COME_AGAIN = 503


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: a GET, or a POST where there is a body."""

    path: str
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What a load has shown: requests answered well, and how long they took, in ms.

    `refused`: how many were told to come again, where that may be.
    """

    done: int
    seconds: float
    p50: float
    p95: float
    p99: float
    refused: int = 0


def get(server: Server, path: str, connections: int, seconds: float) -> Load:
    """Ask for one page, each connection as soon as it has its answer."""
    if WRK:
        return _wrk(server.url + path, connections, seconds)
    return crowd(server, repeat(Asked(path)), connections, seconds)


def deliver(
    server: Server,
    path: str,
    events: Sequence[tuple[str, str]],
    connections: int,
    seconds: float,
) -> Load:
    """Deliver signed events, each once, as many as can be in that time.

    :param events: the signature and the body of each.
    :raises RuntimeError: there were too few for the time.
    """
    asked = deliveries(path, events)
    if WRK:
        load = _wrk_once_each(server, asked, connections, seconds)
    else:
        load = crowd(server, asked, connections, seconds)
    # At the end of its lines wrk leaves some connections unanswered, and waits.
    if load.done > 0.95 * len(events):
        raise RuntimeError(f"{len(events)} events are too few for {seconds} s.")
    return load


def pace(
    server: Server,
    asked: Sequence[Asked],
    customers: int,
    seconds: float,
    every: float,
) -> Load:
    """Let so many customers ask, each once in so many seconds, on a line that is kept.

    :param asked: each is asked once; there have to be enough.
    """
    if WRK:
        return _wrk_once_each(server, asked, customers, seconds, every)
    return crowd(server, asked, customers, seconds, every)


def deliveries(path: str, events: Iterable[tuple[str, str]]) -> Iterator[Asked]:
    """Give the requests that deliver signed events."""
    for signature, body in events:
        yield Asked(path, body, (("Stripe-Signature", signature),))


def _wrk_once_each(
    server: Server,
    asked: Iterable[Asked],
    connections: int,
    seconds: float,
    every: float = 0.0,
) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for one in asked:
            signature = dict(one.headers).get("Stripe-Signature", "")
            file.write(f"{one.path}\t{signature}\t{one.body or ''}\n")
        file.flush()
        wait = str(round(1000 * every))
        customers = str(connections)
        return _wrk(server.url, connections, seconds, file.name, wait, customers)


def _wrk(url: str, connections: int, seconds: float, *lines: str) -> Load:
    command = [
        *(str(WRK), "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout=30s"),
        *("-s", str(SCRIPT), url, "--", *lines),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(said.splitlines()[-1])
    return _checked(told.pop("failed"), Load(**told))


def crowd(
    server: Server,
    asked: Iterable[Asked],
    customers: int,
    seconds: float,
    every: float = 0.0,
    *,
    anew: bool = False,
    may_refuse: bool = False,
) -> Load:
    """Let so many customers ask at once, each as soon as it has its answer.

    :param every: seconds from one question of a customer to the next, if they wait.
    :param anew: each asks on a line of its own, as somebody who has just come.
    :param may_refuse: to be told to come again is no failure, and counted apart.
    """
    # One for each customer: they do not wait for each other.
    lines = partial(aiohttp.TCPConnector, limit=0, force_close=anew)
    asking = _crowd(server.url, iter(asked), customers, seconds, every, lines)
    took, failed, spent = asyncio.run(asking)
    refused = failed.count(COME_AGAIN) if may_refuse else 0
    took.sort()
    load = Load(
        done=len(took),
        seconds=spent,
        p50=1000 * took[len(took) // 2],
        p95=1000 * took[int(len(took) * 0.95)],
        p99=1000 * took[int(len(took) * 0.99)],
        refused=refused,
    )
    return _checked(len(failed) - refused, load)


async def _crowd(
    url: str,
    asked: Iterator[Asked],
    customers: int,
    seconds: float,
    every: float,
    lines: Callable[[], aiohttp.TCPConnector],
) -> tuple[list[float], list[int], float]:
    """Give how long good answers took, what others said, and the whole time."""
    took: list[float] = []
    failed: list[int] = []
    begun = perf_counter()
    ends = begun + seconds
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=lines(), timeout=timeout) as session:

        async def customer(number: int) -> None:
            # Nobody arrives at the same moment.
            await asyncio.sleep(every * number / customers)
            while perf_counter() < ends and (one := next(asked, None)):
                at = perf_counter()
                status = await _ask(session, url, one)
                if status < 400:
                    took.append(perf_counter() - at)
                else:
                    failed.append(status)
                await asyncio.sleep(max(0.0, at + every - perf_counter()))

        await asyncio.gather(*(customer(number) for number in range(customers)))
    return took, failed, perf_counter() - begun


async def _ask(session: aiohttp.ClientSession, url: str, one: Asked) -> int:
    method = "GET" if one.body is None else "POST"
    headers = {"Content-Type": "application/json"} if one.body else {}
    async with session.request(
        method, url + one.path, data=one.body, headers={**headers, **dict(one.headers)}
    ) as answer:
        await answer.read()
        return answer.status


def _checked(failed: int, load: Load) -> Load:
    if failed:
        raise RuntimeError(f"{failed} requests beside {load.done} were not answered.")
    return load


def under_load(server: Server, database_pid: int, work: Callable[[], Load]) -> Round:
    """Measure a load, and the CPU time that it takes."""
    web, database = cpu_seconds(server.pid), cpu_seconds(database_pid)
    workers = worker_seconds(server.pid)
    load = work()
    return Round(
        per_second=load.done / load.seconds,
        web_ms=1000 * (cpu_seconds(server.pid) - web) / load.done,
        database_ms=1000 * (cpu_seconds(database_pid) - database) / load.done,
        p50=load.p50,
        p99=load.p99,
        p95=load.p95,
        busiest=busiest_share(workers, worker_seconds(server.pid)),
    )
