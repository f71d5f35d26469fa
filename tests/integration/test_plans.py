"""What runs all the time asks an index, however many orders there are.

The statements are those that the shop executes, caught on their way to the database;
the plans are Postgres' own, over enough rows that it has to choose.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from psycopg2 import extensions
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench.orders import add_overdue, fill
from storefront.checkout.ask_stripe import ask_unfinished, read_refunds
from storefront.checkout.compare_books import compare_books
from storefront.checkout.expire_orders import expire_orders
from storefront.checkout.limits import count_checkout
from storefront.checkout.reconcile import RECENT, reconcile_window
from storefront.demo.mailbox import Mailbox
from storefront.demo.stripe_emulator import Emulator
from storefront.extensions import db
from storefront.letters.delivery import send_letters
from storefront.orders.queries import (
    claim_question,
    find_order,
    find_order_by_number,
    find_order_id,
    list_counted_refunds,
    list_latest_orders,
    list_orders_of,
)
from storefront.scheduler.prune import prune
from storefront.transaction import transaction
from tests.factories.events import (
    complete_session,
    deliver,
    pay_by_events,
    refund_of,
    tell,
)
from tests.factories.events import event as stripe_event
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.postgres_server import Server, connected
from tests.fixtures.shop import Shop, fill_shelf, running_app

ORDERS = 20_000
LARGE = {
    "orders",
    "checkout_attempts",
    "order_events",
    "letters",
    "stripe_events",
    "refunds",
    "checkout_requests",
}
# What is thrown away in time stays small here, and is many pages in a shop that sells.
ENLARGED = """
    INSERT INTO stripe_events (id, type, payload, outcome, received_at)
        SELECT 'evt_more_' || n, 'charge.updated', '{}', 'ignored',
            now() - n * interval '6 minutes' FROM generate_series(1, 20000) n;
    INSERT INTO checkout_requests (key, fingerprint, order_id, created_at)
        SELECT 'api:' || number, page_token, id, now() - random() * interval '3 days'
        FROM orders LIMIT 10000;
    INSERT INTO rate_counters (key, hits, expires_at)
        SELECT 'LIMITER/checkout/' || n, 1, now() + interval '1 hour'
        FROM generate_series(1, 10000) n;
    INSERT INTO refund_readings (provider_payment_intent_id, due_at, tries)
        SELECT 'pi_' || n, now() + interval '1 hour', 6
        FROM generate_series(1, 10000) n;
    INSERT INTO disputes (provider_dispute_id, provider_payment_intent_id, state,
            amount, currency, reason)
        SELECT 'du_' || n, 'pi_' || n, 'won', 1, 'EUR', 'general'
        FROM generate_series(1, 10000) n;
    INSERT INTO matters (id, reason, subject, order_id, figures, settled_at)
        SELECT gen_random_uuid(), 'refund failed', number, id, '{}', now()
        FROM orders LIMIT 10000;
    ANALYZE
"""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
# After comments, if there are any.
PLANNED = re.compile(r"\A(\s|--.*)*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_tags = count(1)


@dataclass(frozen=True)
class Known:
    """A shop with many orders, and one of them that was paid and returned."""

    shop: Shop
    engine: Engine
    order: dict[str, Any]

    @property
    def id(self) -> UUID:
        """Give the id of the order."""
        return UUID(self.order["id"])


@pytest.fixture(scope="module")
def known(
    postgres: Server,
    template_database: str,
    emulator_server: Emulator,
    _session_mailbox: Mailbox,
) -> Iterator[Known]:
    """Open a shop that has sold for years."""
    name = f"{postgres.prefix}_plans"
    with postgres.locked():
        url = postgres.create_database(name, template_database)
    fill(url, ORDERS, print)
    with connected(url) as connection, connection.cursor() as cursor:
        # One at a time: a busy machine shall not take them for silence.
        for statement in ENLARGED.split(";"):
            cursor.execute(statement)
    hand = EmulatorHand(emulator_server.url)
    with running_app(url, emulator_server.url, _session_mailbox) as (app, address):
        fill_shelf(app)
        shop = Shop(address, app, url, hand, _session_mailbox)
        order = shop.rows("SELECT * FROM orders WHERE status = 'refunded' LIMIT 1")[0]
        with app.app_context():
            yield Known(shop, db.engine, order)
            db.session.remove()
        shop.http.close()
    hand.close()
    postgres.drop_database(name)


Statement = tuple[str, Any]


@contextmanager
def caught(engine: Engine) -> Iterator[list[Statement]]:
    """Catch what is executed, by any thread, past the ORM too."""
    statements: list[Statement] = []

    class Noting(extensions.cursor):
        def execute(self, text: Any, values: Any = None) -> None:
            statements.append((text, values))
            super().execute(text, values)

    def lend(connection: Any, *_more: Any) -> None:
        connection.cursor_factory = Noting

    def take_back(connection: Any, *_more: Any) -> None:
        # None: it was broken, and thrown away.
        if connection:
            connection.cursor_factory = extensions.cursor

    event.listen(engine, "checkout", lend)
    event.listen(engine, "checkin", take_back)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", lend)
        event.remove(engine, "checkin", take_back)


def plans(url: str, statements: list[Statement]) -> Iterator[tuple[str, Any]]:
    """Give each statement once, with its plan."""
    told = dict(statements)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for together, values in told.items():
            one = values[0] if isinstance(values, list) else values
            for text in together.split(";"):
                if PLANNED.search(text):
                    cursor.execute(f"EXPLAIN (FORMAT JSON) {text}", one)
                    yield text, cursor.fetchone()[0][0]["Plan"]
                    connection.rollback()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every step of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def indexes_of(plan: dict[str, Any]) -> Iterator[str]:
    """Give the indexes that a plan asks."""
    for node in nodes(plan):
        if "Index Name" in node:
            yield node["Index Name"]
        yield from node.get("Conflict Arbiter Indexes", ())


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """Give the large tables that a plan reads from end to end."""
    for node in nodes(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            yield node["Relation Name"]


def once() -> Callable[[], bool]:
    """Let a job go through each of its loops a few times."""
    turns = count()
    return lambda: next(turns) < 20


def show_page(known: Known) -> None:
    """Look at the order's page."""
    assert known.shop.get(f"/orders/{known.order['page_token']}").ok


def follow_page(known: Known) -> None:
    """Poll it."""
    assert known.shop.get(f"/orders/{known.order['page_token']}/status").ok


def read_api(known: Known) -> None:
    """Ask the API for the order."""
    assert known.shop.get(f"/api/orders/{known.id}").ok


def find_number(known: Known) -> None:
    """Look an order up as people do, with its history."""
    order = find_order_by_number(known.order["number"])
    assert order
    assert order.events


def find_session(known: Known) -> None:
    """Find whose session it is."""
    assert find_order_id(session_id=known.order["provider_session_id"]) == known.id


def find_payment(known: Known) -> None:
    """Find whose payment it is."""
    payment = known.order["provider_payment_intent_id"]
    assert find_order_id(payment_intent_id=payment) == known.id


def find_either(known: Known) -> None:
    """Find whose session or payment it is."""
    session = known.order["provider_session_id"]
    payment = known.order["provider_payment_intent_id"]
    assert find_order_id(session, payment) == known.id


def read_order(known: Known) -> None:
    """Read all that hangs on an order."""
    order = find_order(known.id)
    assert order
    assert order.attempts
    assert order.events
    assert list_counted_refunds(order)


def sell(known: Known) -> None:
    """Place an order, and hear twice that it is paid."""
    placed = known.shop.place()
    session = complete_session(known.shop, placed)
    told = tell(known.shop, "checkout.session.completed", session)
    assert deliver(known.shop, told).ok


def give_back(known: Known) -> None:
    """Hear that a sale is returned."""
    placed = known.shop.place()
    pay_by_events(known.shop, placed)
    refund = refund_of(placed, 100)
    assert deliver(known.shop, stripe_event("refund.created", refund)).ok


def expire(known: Known) -> None:
    """Give up what is overdue."""
    add_overdue(known.shop.database_url, 2, f"overdue{next(_tags)}")
    assert expire_orders(datetime.now(UTC) - timedelta(minutes=1), once()) == 2


def ask_about(known: Known) -> None:
    """Ask Stripe about what is open, once for the page and once for all."""
    ask_unfinished(LONG_AGO, once())
    with transaction():
        claim_question(known.id, HOUR)


def read_back(known: Known) -> None:
    """Read refunds that are due."""
    read_refunds(LONG_AGO, once())


def send(known: Known) -> None:
    """Send letters."""
    send_letters(datetime.now(UTC), once())


def throw_away(known: Known) -> None:
    """Throw away what has served."""
    prune(LONG_AGO, once())


def count_again(known: Known) -> None:
    """Count a checkout."""
    count_checkout("LIMITER")


def find_by_email(known: Known) -> None:
    """Find somebody's orders."""
    list_orders_of(known.order["customer_email"].upper())


def reconcile(known: Known) -> None:
    """Walk through Stripe's books, with something paid to be found there."""
    known.shop.emulator.reset()
    placed = known.shop.place()
    known.shop.emulator.pay(placed.session_id)
    assert reconcile_window(f"plans {next(_tags)}", RECENT, once()) == 1


def compare(known: Known) -> None:
    """Compare the books of an hour."""
    now = datetime.now(UTC)
    list(compare_books(now - HOUR, now))


def list_newest(known: Known) -> None:
    """List the newest orders."""
    assert len(list_latest_orders(20)) == 20


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (show_page, {"uq_orders_page_token"}),
        (follow_page, {"uq_orders_page_token"}),
        (read_api, {"pk_orders"}),
        (find_number, {"uq_orders_number", "ix_order_events_order_id"}),
        (find_session, {"uq_checkout_attempts_provider_session_id"}),
        (find_payment, {"uq_checkout_attempts_provider_payment_intent_id"}),
        (
            find_either,
            {
                "uq_checkout_attempts_provider_session_id",
                "uq_checkout_attempts_provider_payment_intent_id",
            },
        ),
        (
            read_order,
            {
                "pk_orders",
                "uq_checkout_attempts_order_id_position",
                "ix_order_events_order_id",
                "ix_refunds_provider_payment_intent_id",
            },
        ),
        (
            sell,
            {
                "pk_checkout_requests",
                "pk_rate_counters",
                "pk_stripe_events",
                "pk_orders",
                "uq_checkout_attempts_provider_session_id",
            },
        ),
        (give_back, {"pk_refunds", "ix_refunds_provider_payment_intent_id"}),
        (expire, {"pk_checkout_attempts"}),
        (ask_about, {"ix_checkout_attempts_to_ask", "pk_checkout_attempts"}),
        (read_back, {"ix_refund_readings_due_at", "pk_refund_readings"}),
        (send, {"ix_letters_due", "pk_letters"}),
        (
            throw_away,
            {
                "ix_stripe_events_received_at",
                "ix_checkout_requests_created_at",
                "ix_rate_counters_expires_at",
                "uq_letters_kind_cause",
            },
        ),
        (count_again, {"pk_rate_counters"}),
        (find_by_email, {"ix_orders_customer_email"}),
        (
            reconcile,
            {
                "uq_checkout_attempts_provider_session_id",
                "uq_checkout_attempts_provider_payment_intent_id",
            },
        ),
        (compare, {"ix_orders_paid_at"}),
        (list_newest, {"ix_orders_created_at"}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_no_large_table_is_read_from_end_to_end(
    known: Known, deed: Callable[[Known], None], expected: set[str]
) -> None:
    db.session.expunge_all()
    with caught(known.engine) as statements:
        deed(known)
    db.session.rollback()

    asked: set[str] = set()
    for text, plan in plans(known.shop.database_url, statements):
        assert not set(scans(plan)), f"{text}\n{json.dumps(plan, indent=1)}"
        asked.update(indexes_of(plan))
    assert expected <= asked
