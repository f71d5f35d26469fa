"""Several machines, as far as one shows it: `python -m bench.hosts` prints it all.

So many gunicorns, each in a network of its own where that can be had, share nothing but
one Postgres, behind a PgBouncer that keeps no sessions. Customers buy at all of them at
once; then all books are compared.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2
import requests

from bench.machines import Machine, address_for, are_apart, machines
from bench.measure import cpu_seconds
from bench.stage import GUNICORN, ROOT, started
from storefront.demo.books import read_books
from storefront.demo.check import check
from storefront.demo.mailbox import Mailbox, running_mailbox
from storefront.demo.ports import LOOPBACK, free_port
from storefront.demo.postgres import EmbeddedPostgres, embedded_postgres
from storefront.scheduler.timetable import TIMETABLE
from storefront.webhooks.handlers import HANDLERS
from tests.chaos.stage import run, started_emulator
from tests.factories.catalog import CATALOG
from tests.factories.events import WEBHOOKS
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.postgres_server import connected
from tests.fixtures.shop import CUSTOMER, READING, WEBHOOK_SECRET, environment
from tests.tools.pgbouncer import find_pgbouncer

HOSTS = int(os.environ.get("HOSTS", "3"))
ORDERS = int(os.environ.get("ORDERS", "120"))
CUSTOMERS = 8
# Tried beyond what the rate allows: each of them must be refused, at any machine.
TOO_MANY = 15
SERVER_CONNECTIONS = 10
SECONDS_TO_BE_READY = 60.0
SECONDS_FOR_LETTERS = 60.0
ON_LOOPBACK = "all on loopback: networks of their own take root and the program ip"


@dataclass(frozen=True)
class Hosts:
    """The machines, and what they share."""

    urls: list[str]
    database_url: str
    database_pid: int
    servers: list[int]
    emulator: EmulatorHand
    mailbox: Mailbox

    def at(self, number: int) -> str:
        """Give the machine that a customer happens to reach."""
        return self.urls[number % len(self.urls)]

    def rows(self, question: str) -> list[tuple[object, ...]]:
        """Ask the database, past the shop."""
        with connected(self.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(question)
            found: list[tuple[object, ...]] = cursor.fetchall()
        return found


def main(tell: Callable[[str], object]) -> bool:
    """Run it; give whether all is well."""
    with _running() as hosts:
        where = "each in a network of its own" if are_apart() else ON_LOOPBACK
        tell(f"{HOSTS} machines with 2 workers each, {where}")
        begun = time.monotonic()
        before, costs = _claims(hosts), _costs(hosts)
        with ThreadPoolExecutor(CUSTOMERS) as customers:
            statuses = Counter(customers.map(lambda n: _buy(hosts, n), range(ORDERS)))
            seconds = time.monotonic() - begun
            refused = Counter(
                customers.map(lambda n: _try(hosts, n)[0], range(TOO_MANY))
            )
        hosts.emulator.wait()
        letters = _letters(hosts)
        spent = {name: _costs(hosts)[name] - costs[name] for name in costs}
        faults = [
            *_of_rates(statuses, refused),
            *_of_letters(letters),
            *_of_jobs(before, _claims(hosts), time.monotonic() - begun),
            *check(
                read_books(
                    hosts.database_url, hosts.emulator.ledger(), hosts.mailbox.letters
                )
            ),
        ]
        tell(f"{ORDERS} orders paid in {seconds:.1f} s, {ORDERS / seconds:.0f}/s")
        tell(f"one rate over all machines: {ORDERS} taken, then {dict(refused)}")
        tell(f"{len(letters)} letters, {len(set(letters))} different")
        tell(f"jobs begun, all machines together: {_claims(hosts)}")
        for name, amount in spent.items():
            tell(f"an order, {name}: {amount / ORDERS:.1f}")
        tell("\n".join(faults) or "all books agree")
        return not faults


@contextmanager
def _running() -> Iterator[Hosts]:
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-hosts")))
        # Under root Postgres and PgBouncer are other users, who pass through here.
        folder.chmod(0o711)
        postgres = ending.enter_context(embedded_postgres(folder / "postgres"))
        mailbox = ending.enter_context(running_mailbox())
        emulator = started_emulator(ending, folder)
        ports = [urlsplit(emulator.url).port or 0, mailbox.smtp_port]
        hosts = ending.enter_context(machines(HOSTS, ports, folder))
        emulator.add_endpoint(hosts[-1].url + WEBHOOKS, WEBHOOK_SECRET, *HANDLERS)
        settings = environment(
            ending.enter_context(_pooled(postgres, folder)),
            BASE_URL=hosts[0].url,
            STRIPE_API_BASE=emulator.url,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=str(mailbox.smtp_port),
            MAIL_DEFAULT_SENDER="Lunaria <studio@lunaria.example>",
            CHECKOUT_RATE=f"{ORDERS} per hour",
            SCHEDULER="on",
            WEB_CONCURRENCY="2",
        )
        direct = settings | {"DATABASE_URL": postgres.url()}
        run(direct, "db", "upgrade").check_returncode()
        run(direct, "catalog", "load", str(CATALOG)).check_returncode()
        workers = [
            worker.pid
            for host in hosts
            for worker in _serve(ending, host, settings, folder)
        ]
        urls = [host.url for host in hosts]
        yield Hosts(urls, postgres.url(), postgres.pid, workers, emulator, mailbox)


def _serve(
    ending: ExitStack, host: Machine, settings: dict[str, str], folder: Path
) -> list[psutil.Process]:
    """Serve the shop on a machine; give its workers."""
    command = [
        *host.inside,
        *GUNICORN,
        "wsgi:app",
        f"--bind={host.bind}",
    ]
    log = folder / f"host-{host.port}.log"
    serving = started(command, host.url, "/readyz", env=settings, cwd=ROOT, log=log)
    server = ending.enter_context(serving)
    return psutil.Process(server.pid).children()


@contextmanager
def _pooled(postgres: EmbeddedPostgres, folder: Path) -> Iterator[str]:
    """Give the database's address behind a PgBouncer in transaction mode."""
    program = find_pgbouncer()
    if program is None:
        raise SystemExit("No PgBouncer here: tests/tools/pgbouncer.py gets one.")
    port, there, host = free_port(), urlsplit(postgres.url()), address_for(LOOPBACK)
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\nshop = host=127.0.0.1 port={there.port} dbname={there.path[1:]}"
        f" user={there.username} password={there.password}\n"
        f"[pgbouncer]\nlisten_addr = {host}\nlisten_port = {port}\n"
        "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 500\n"
        "ignore_startup_parameters = options,extra_float_digits\n"
    )
    account = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program, "-q", *account, settings], stderr=subprocess.DEVNULL
    )
    url = f"postgresql://anybody@{host}:{port}/shop"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_BE_READY
    while time.monotonic() < give_up_at:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(url, connect_timeout=2).close()
            return
        time.sleep(0.05)
    raise TimeoutError("PgBouncer does not answer.")


def _try(hosts: Hosts, number: int) -> tuple[int, str]:
    """Check out; give the status, and the order's id where there is one."""
    answer = requests.post(
        hosts.at(number) + "/api/checkout",
        json={"items": [{"service_id": READING, "quantity": 1}], "customer": CUSTOMER},
        timeout=30,
    )
    return answer.status_code, answer.json().get("order_id", "")


def _buy(hosts: Hosts, number: int) -> int:
    """Check out at one machine, pay, and look at the order at the next."""
    status, order = _try(hosts, number)
    if status == 201:
        ((session,),) = hosts.rows(
            f"SELECT provider_session_id FROM orders WHERE id = '{order}'"  # noqa: S608
        )
        hosts.emulator.pay(str(session), "paid")
        url = f"{hosts.at(number + 1)}/api/orders/{order}"
        give_up_at = time.monotonic() + SECONDS_TO_BE_READY
        while requests.get(url, timeout=30).json()["status"] != "paid":
            if time.monotonic() > give_up_at:
                return 0
            time.sleep(0.1)
    return status


def _letters(hosts: Hosts) -> list[str]:
    """Wait until all letters are sent; give their Message-IDs."""
    with suppress(TimeoutError):
        hosts.mailbox.wait_for(2 * ORDERS, SECONDS_FOR_LETTERS)
    # One that is sent twice comes a moment later.
    time.sleep(5)
    return [letter.headers["Message-ID"] for letter in hosts.mailbox.letters]


def _claims(hosts: Hosts) -> dict[str, int]:
    found = hosts.rows("SELECT name, generation FROM scheduled_jobs ORDER BY name")
    return {str(name): int(str(generation)) for name, generation in found}


def _costs(hosts: Hosts) -> dict[str, float]:
    """Give what was spent since the beginning, with jobs and idle questions."""
    # Each process tells its commits and rows a second late.
    time.sleep(2)
    ((commits, size),) = hosts.rows(
        "SELECT xact_commit, pg_database_size(datname) FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    ((events, history, letters),) = hosts.rows(
        "SELECT (SELECT count(*) FROM stripe_events),"
        " (SELECT count(*) FROM order_events), (SELECT count(*) FROM letters)"
    )
    return {
        "ms of CPU in the workers": 1000 * sum(map(cpu_seconds, hosts.servers)),
        "ms of CPU in Postgres": 1000 * cpu_seconds(hosts.database_pid),
        "transactions": float(str(commits)),
        "kB": float(str(size)) / 1024,
        "Stripe's events": float(str(events)),
        "rows of its history": float(str(history)),
        "letters": float(str(letters)),
    }


def _of_rates(taken: Counter[int], refused: Counter[int]) -> Iterator[str]:
    if taken != {201: ORDERS}:
        yield f"of {ORDERS} orders within the rate came {dict(taken)}"
    if refused != {429: TOO_MANY}:
        yield f"of {TOO_MANY} beyond the rate came {dict(refused)}"


def _of_letters(letters: list[str]) -> Iterator[str]:
    if len(letters) != 2 * ORDERS or len(set(letters)) != len(letters):
        yield f"{len(letters)} letters of {2 * ORDERS}, {len(set(letters))} different"


def _of_jobs(
    before: dict[str, int], after: dict[str, int], seconds: float
) -> Iterator[str]:
    """Name jobs that were begun more often than they came due."""
    for job in TIMETABLE:
        begun = after.get(job.name, 0) - before.get(job.name, 0)
        if begun > seconds / job.every.total_seconds() + 1:
            yield f"{job.name} was begun {begun} times in {seconds:.0f} s"


if __name__ == "__main__":
    raise SystemExit(0 if main(lambda line: sys.stdout.write(f"{line}\n")) else 1)
