"""The database goes away, comes back, freezes, is locked, or stands behind a pooler."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import psycopg2
import pytest
import requests

from storefront.demo.mailbox import Mailbox
from storefront.demo.ports import free_port
from storefront.demo.postgres import EmbeddedPostgres
from tests.factories.events import (
    complete_session,
    deliver,
    event,
    outcome_of,
)
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.figures import Figure
from tests.fixtures.postgres_server import connected
from tests.fixtures.shards import RECOVERIES, WORST
from tests.fixtures.shop import Shop, running_shop
from tests.tools.pgbouncer import find_pgbouncer

# Stripe gives up sooner or later; a balancer in front does after some seconds.
QUICKLY = 5.0
# A page after the database is ready again.
RECOVERY = 2.0
JOBS = ("read-refunds", "expire-orders", "reconcile", "send-mail")


@pytest.fixture(scope="module")
def template(own_postgres: EmbeddedPostgres, migrate: Callable[[str], None]) -> str:
    """Give the name of a migrated database on the server that may be crashed."""
    name = f"template_{uuid4().hex[:8]}"
    own_postgres.create_database(name)
    migrate(own_postgres.url(name))
    return name


@pytest.fixture
def own_shop(
    own_postgres: EmbeddedPostgres,
    template: str,
    emulator: EmulatorHand,
    mailbox: Mailbox,
) -> Iterator[Shop]:
    """Give a shop whose database server is the test's own."""
    name = f"shop_{uuid4().hex[:8]}"
    own_postgres.create_database(name, template)
    with running_shop(own_postgres.url(name), emulator, mailbox) as shop:
        yield shop
    own_postgres.drop_database(name)


def timed(deed: Callable[[], Any]) -> tuple[Any, float]:
    """Do a deed; give what came of it and how many seconds it took."""
    begun = time.monotonic()
    return deed(), time.monotonic() - begun


def all_is_well(shop: Shop) -> None:
    """Let the jobs run, then compare all books."""
    shop.emulator.wait()
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
    for job in JOBS:
        shop.run_job(job)
    assert shop.check() == []


def test_while_the_database_is_down_a_webhook_is_refused_quickly_and_comes_again(
    own_postgres: EmbeddedPostgres, own_shop: Shop
) -> None:
    """Row 16: 5xx within 5 s; the redelivery applies."""
    placed = own_shop.place()
    paid = event("checkout.session.completed", complete_session(own_shop, placed))
    own_postgres.stop()
    try:
        answer, seconds = timed(lambda: deliver(own_shop, paid))
        alive, ready = own_shop.get("/healthz"), own_shop.get("/readyz")
        page = own_shop.get(f"/orders/{placed.token}")
    finally:
        own_postgres.start()

    assert (answer.status_code, page.status_code) == (503, 503)
    assert seconds < QUICKLY
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert deliver(own_shop, paid).status_code == 200
    assert outcome_of(own_shop, paid) == "applied"
    assert own_shop.history(placed.id) == ["created", "paid"]


class Load:
    """Customers who check out and pay, one after the other, until they are told off.

    It notes what the shop has acknowledged: that must be there afterwards.
    """

    def __init__(self, shop: Shop) -> None:
        self.orders: list[str] = []
        self.events: list[str] = []
        self.strange: list[str] = []
        self._shop = shop
        self._over = Event()

    def __call__(self) -> None:
        """Be one customer after the other."""
        while not self._over.is_set():
            with suppress(requests.ConnectionError):
                self._buy()

    def end(self) -> None:
        """Send no more customers."""
        self._over.set()

    def _buy(self) -> None:
        answer = self._shop.checkout()
        if answer.status_code != 201:
            self._note(answer)
            return
        self.orders.append(answer.json()["order_id"])
        session = {
            "id": answer.json()["checkout_url"].rpartition("/")[2],
            "object": "checkout.session",
        }
        told = event("some.news", session)
        heard = deliver(self._shop, told)
        if heard.status_code == 200:
            self.events.append(told["id"])
        else:
            self._note(heard)

    def _note(self, answer: requests.Response) -> None:
        if answer.status_code != 503:
            self.strange.append(f"{answer.status_code}: {answer.text[:200]}")


@pytest.mark.long
@pytest.mark.timeout(120 + 10 * RECOVERIES)
def test_a_crash_of_the_database_under_load_loses_nothing_acknowledged(
    own_postgres: EmbeddedPostgres, own_shop: Shop, figure: Figure
) -> None:
    """Row 44: no half-written order; pages are back within 2 s of readiness."""
    load = Load(own_shop)
    with ThreadPoolExecutor(4) as pool:
        customers = [pool.submit(load) for _ in range(4)]
        worst = 0.0
        for _ in range(RECOVERIES):
            time.sleep(0.7)
            own_postgres.restart("immediate")
            worst = max(worst, seconds_until_ready(own_shop))
        time.sleep(0.7)
        load.end()
        for customer in customers:
            customer.result()

    figure(f"{WORST} from database ready to the first good page", worst)
    assert worst < RECOVERY
    assert load.strange == []
    orders = own_shop.rows("SELECT id::text FROM orders")
    events = own_shop.rows("SELECT id FROM stripe_events")
    assert set(load.orders) <= {row["id"] for row in orders}
    assert set(load.events) <= {row["id"] for row in events}
    whole = own_shop.row(
        "SELECT count(*) AS n FROM orders WHERE EXISTS (SELECT FROM checkout_attempts"
        " WHERE order_id = orders.id) AND EXISTS (SELECT FROM order_events"
        " WHERE order_id = orders.id)"
    )
    assert whole["n"] == len(orders)
    all_is_well(own_shop)


def seconds_until_ready(shop: Shop) -> float:
    """Wait for the first good page; give how long it took."""
    begun = time.monotonic()
    while shop.get("/").status_code != 200 or shop.get("/readyz").status_code != 200:
        assert time.monotonic() < begun + 30
        time.sleep(0.02)
    return time.monotonic() - begun


def test_when_every_connection_was_ended_the_first_request_succeeds(shop: Shop) -> None:
    """Row 45: the pool looks before it lends."""
    placed = shop.place()
    paid = event("checkout.session.completed", complete_session(shop, placed))
    paths = ("/", f"/orders/{placed.token}", f"/api/orders/{placed.id}", "/readyz")

    for path in paths:
        end_connections(shop)
        assert shop.get(path).status_code == 200
    end_connections(shop)
    assert deliver(shop, paid).status_code == 200
    end_connections(shop)
    assert shop.checkout().status_code == 201
    end_connections(shop)
    assert shop.run_job("send-mail") == 2


def end_connections(shop: Shop) -> None:
    """End the shop's connections from inside the database, and see them gone."""
    shop.rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'storefront' AND datname = current_database()"
    )


def test_while_somebody_holds_an_order_its_webhook_is_refused_in_time(
    shop: Shop,
) -> None:
    """Row 46: a lock timeout is a 503 with a hint; pages do not wait for locks."""
    placed = shop.place()
    paid = event("checkout.session.completed", complete_session(shop, placed))
    with held(shop, placed.id):
        answer, seconds = timed(lambda: deliver(shop, paid))
        page, page_seconds = timed(lambda: shop.get(f"/api/orders/{placed.id}"))

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert seconds < QUICKLY
    # Waiting for the lock would take four seconds.
    assert (page.status_code, page_seconds < 3) == (200, True)
    assert deliver(shop, paid).status_code == 200
    assert shop.history(placed.id) == ["created", "paid"]


@contextmanager
def held(shop: Shop, order_id: str) -> Iterator[None]:
    """Hold an order's row, as somebody at a console may."""
    connection = psycopg2.connect(shop.database_url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM orders WHERE id = %s FOR UPDATE", [order_id])
        yield
    connection.rollback()
    connection.close()


def test_a_deadlock_with_somebody_else_is_a_503_and_comes_again(shop: Shop) -> None:
    """Row 46: whoever Postgres picks, the event is applied once in the end."""
    placed = shop.place()
    shop.pay(placed)
    refund = event("refund.created", refund_row(shop, placed.id))
    assert deliver(shop, refund).status_code == 200
    later = event("refund.updated", refund["data"]["object"])
    with ThreadPoolExecutor(1) as pool, connected(shop.database_url) as other:
        with other.cursor() as cursor:
            # The other way round: first the refund, then its order.
            cursor.execute("BEGIN; SET LOCAL deadlock_timeout = '10s'")
            cursor.execute("SELECT 1 FROM refunds FOR UPDATE")
            answer = pool.submit(deliver, shop, later)
            time.sleep(0.3)
            cursor.execute("SELECT 1 FROM orders FOR UPDATE")
            cursor.execute("COMMIT")
        heard = answer.result()

    assert heard.status_code == 503, heard.text
    assert deliver(shop, later).status_code == 200
    assert shop.history(placed.id) == ["created", "paid", "refunded"]


def refund_row(shop: Shop, order_id: str) -> dict[str, Any]:
    """Give a refund of an order's payment."""
    order = shop.row("SELECT * FROM orders WHERE id = %s", order_id)
    return {
        "id": "re_of_the_test",
        "object": "refund",
        "amount": 100,
        "currency": "eur",
        "payment_intent": order["provider_payment_intent_id"],
        "status": "succeeded",
        "metadata": {},
    }


def test_a_database_that_froze_for_seconds_is_waited_for(
    own_postgres: EmbeddedPostgres, own_shop: Shop
) -> None:
    """Row 47: nothing is lost, health says so, and it recovers alone."""
    placed = own_shop.place()
    paid = event("checkout.session.completed", complete_session(own_shop, placed))
    with ThreadPoolExecutor(6) as pool, frozen(own_postgres):
        pages = [pool.submit(own_shop.get, f"/orders/{placed.token}") for _ in range(4)]
        news = pool.submit(deliver, own_shop, paid)
        alive = own_shop.get("/healthz")
        time.sleep(2)
    answers = [page.result().status_code for page in pages]

    assert alive.status_code == 200
    assert set(answers) <= {200, 503}
    assert seconds_until_ready(own_shop) < RECOVERY
    if news.result().status_code != 200:
        assert deliver(own_shop, paid).status_code == 200
    assert own_shop.history(placed.id) == ["created", "paid"]


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop all processes of a server, as a host that swaps does."""
    main = psutil.Process(server.pid)
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    """Give the database's address behind a PgBouncer that keeps no sessions."""
    program = find_pgbouncer()
    if program is None:
        pytest.skip("No PgBouncer here: tests/tools/pgbouncer.py gets one.")
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        # Under root it has to be another user, who passes through here.
        Path(folder).chmod(0o711)
        port = free_port()
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(pooler_settings(database_url, port))
        account = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [program, "-q", *account, settings], stderr=subprocess.DEVNULL
        )
        try:
            url = f"postgresql://anybody@127.0.0.1:{port}/shop"
            wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def pooler_settings(database_url: str, port: int) -> str:
    """Give what a PgBouncer in transaction mode is told."""
    there = urlsplit(database_url)
    return f"""
[databases]
shop = host=127.0.0.1 port={there.port} dbname={there.path[1:]} \\
user={there.username} password={there.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
ignore_startup_parameters = options,extra_float_digits
""".replace("\\\n", "")


def wait_for(url: str) -> None:
    """Wait until a database can be reached."""
    for _ in range(100):
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(url, connect_timeout=2).close()
            return
        time.sleep(0.05)
    raise AssertionError("PgBouncer does not answer.")


def test_a_sale_goes_through_a_pooler_that_keeps_no_sessions(
    pooled_url: str, emulator: EmulatorHand, mailbox: Mailbox
) -> None:
    """Contract 6.7: checkout, payment, refund and all jobs in transaction mode."""
    with running_shop(pooled_url, emulator, mailbox) as shop:
        orders = [shop.place() for _ in range(3)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(shop.pay, orders[:2]))
            pages = pool.map(shop.get, [f"/orders/{orders[0].token}"] * 16)
            assert {page.status_code for page in pages} == {200}
        deliver(shop, event("refund.created", refund_row(shop, orders[1].id)))
        shop.let_deadline_pass(orders[2].id)
        for job in ("expire-orders", "reconcile", "reconcile-month", "send-mail"):
            shop.run_job(job)

        assert [shop.order(one.id)["status"] for one in orders] == [
            "paid",
            "paid",
            "canceled",
        ]
        assert shop.history(orders[1].id) == ["created", "paid", "refunded"]
        assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 5
        assert len(shop.mailbox.letters) == 5
