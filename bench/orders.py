"""Filling a migrated database with sales, as many as a shop has after years.

The server makes the rows itself (INSERT … SELECT from generate_series): nothing goes
over a line twice, as it would with COPY. Without indexes while it is filled, which are
built once at the end, with what they check.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import flask_migrate
import psycopg2
from psycopg2 import extensions
from psycopg2.extras import execute_values

from bench import sales
from bench.baskets import BASKETS, SHOP, list_baskets
from storefront import create_app
from storefront.database import wait_for_ever
from storefront.demo.postgres import embedded_postgres
from storefront.extensions import db
from storefront.settings import read_settings

Tell = Callable[[str], None]

PAYLOADS = Path(__file__).with_name("payloads.json")
# One in two hundred waits to be paid.
PENDING_SHARE = 200
STEPS = {
    "orders": sales.ORDERS,
    "checkout_attempts": sales.ATTEMPTS,
    "order_events": sales.EVENTS,
    "refunds": sales.REFUNDS,
    "letters": sales.LETTERS,
    "stripe_events": sales.STRIPE_EVENTS,
    "checkout_requests": sales.REQUESTS,
}
OF_ONE_THAT_WAITS = ("orders", "checkout_attempts", "order_events", "checkout_requests")
# A crash loses nothing that could not be filled in again.
QUICKLY = """
    SET synchronous_commit = off; SET jit = off; SET work_mem = '256MB';
    SET maintenance_work_mem = '1GB'; SET timezone = 'UTC';
"""
FAST_SERVER = {
    "fsync": "off",
    "full_page_writes": "off",
    # Tables that are new in their transaction then need no log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "2GB",
}
# Foreign keys first: they stand on the keys of other tables.
CONSTRAINTS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint WHERE contype IN ('f', 'p', 'u')
        AND (conrelid = ANY (%(tables)s::regclass[])
            OR confrelid = ANY (%(tables)s::regclass[]))
    ORDER BY contype, conrelid
"""
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = ANY (%(tables)s::regclass[])
"""
SIZES = """
    SELECT relname, greatest(n_live_tup, 0), pg_table_size(relid),
        pg_indexes_size(relid)
    FROM pg_stat_user_tables WHERE schemaname = 'public' AND n_live_tup > 0
    ORDER BY pg_total_relation_size(relid) DESC
"""


@dataclass(frozen=True, slots=True)
class Payable:
    """An order that waits for its one open session. Amount: minor units."""

    order_id: UUID
    attempt_id: UUID
    session_id: str
    number: str
    page_token: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Size:
    """What a table takes, in bytes: with its long values, and its indexes apart."""

    table: str
    rows: int
    table_bytes: int
    index_bytes: int


def fill(database_url: str, orders: int, tell: Tell) -> None:
    """Fill an empty shop with so many orders, spread over five years.

    Transaction: all of it, or nothing; whoever looks meanwhile waits.

    :param orders: a thousand at least, so that each kind of order is among them.
    :param tell: is given a sentence after each step.
    :raises ValueError: the database holds orders, or too few are wanted.
    """
    if orders < 1000:
        raise ValueError("Fewer than a thousand orders are no shop to measure.")
    clock = _Clock(tell)
    with _connected(database_url) as cursor:
        _refuse_filled(cursor)
        missing = _drop_indexes(cursor)
        # New files: where the server logs as little as it may, it logs none of this.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(STEPS)}")
        _draw(cursor, sales.DRAWN, orders, uuid4().hex)
        clock.lap(f"{orders} sales drawn")
        for table, statement in STEPS.items():
            cursor.execute(statement, _values())
            clock.lap(f"{table}: {cursor.rowcount} rows")
        cursor.execute("SET session_replication_role = origin")
        for statement in missing:
            cursor.execute(statement)
        clock.lap(f"{len(missing)} indexes and constraints")
    with _connected(database_url, autocommit=True) as cursor:
        for table in STEPS:
            cursor.execute(f"VACUUM (FREEZE, ANALYZE) {table}")
        # So that ending the server does not have to write it all.
        cursor.execute("CHECKPOINT")
    clock.lap("vacuumed and analyzed")


def is_filled(database_url: str) -> bool:
    """Tell whether a shop was filled before."""
    with _connected(database_url) as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM orders)")
        return bool(cursor.fetchone()[0])


def add_payable(database_url: str, count: int, tag: str) -> list[Payable]:
    """Add orders that wait to be paid, for an hour from now, each with an open session.

    :param tag: new for each call; sessions are called `cs_test_{tag}_{n}`, n from 1.
    """
    return _add_waiting(database_url, count, tag, "60 minutes", "0 minutes")


def add_overdue(database_url: str, count: int, tag: str) -> list[Payable]:
    """Add orders whose hour is over, and that nobody asked about for another."""
    return _add_waiting(database_url, count, tag, "-1 minute", "60 minutes")


def sizes(database_url: str) -> list[Size]:
    """Give what each table that has rows takes, the largest first.

    Rows are as the last ANALYZE, or the server's own count, has them.
    """
    with _connected(database_url) as cursor:
        cursor.execute(SIZES)
        return [Size(*row) for row in cursor.fetchall()]


def tabulate(found: list[Size], orders: int) -> str:
    """Write sizes as a Markdown table, with what an order takes of each."""
    lines = [
        "| table | rows | table, bytes a row | indexes, bytes a row | bytes an order |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for one in found:
        both = one.table_bytes + one.index_bytes
        lines.append(
            f"| `{one.table}` | {one.rows:,} | {one.table_bytes / one.rows:,.0f}"
            f" | {one.index_bytes / one.rows:,.0f} | {both / orders:,.0f} |"
        )
    table = sum(one.table_bytes for one in found)
    index = sum(one.index_bytes for one in found)
    lines.append(
        f"| all | | {table / 1e6:,.0f} MB | {index / 1e6:,.0f} MB"
        f" | {(table + index) / orders:,.0f} |"
    )
    return "\n".join(lines)


@contextmanager
def empty_shop(folder: Path, **more: str) -> Iterator[str]:
    """Give the address of a migrated database on a server of its own.

    :param folder: where it is kept, if not there yet; `more`: the server's settings.
    """
    with embedded_postgres(folder, settings={**FAST_SERVER, **more}) as server:
        upgrade(server.url())
        yield server.url()


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate a database up to a revision."""
    with _app_on(database_url):
        flask_migrate.upgrade(revision=revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take a database back to a revision."""
    with _app_on(database_url):
        flask_migrate.downgrade(revision=revision)


@contextmanager
def _app_on(database_url: str) -> Iterator[None]:
    environment = {
        "STOREFRONT_ENV": "development",
        "DATABASE_URL": database_url,
        "SCHEDULER": "off",
    }
    app = create_app(read_settings(environment))
    with app.app_context():
        yield
        db.engine.dispose()
    wait_for_ever()


class _Clock:
    """Tells of each step how long it took."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._begun = perf_counter()

    def lap(self, deed: str) -> None:
        """Tell of a deed that is done."""
        now = perf_counter()
        self._tell(f"{deed}: {now - self._begun:.1f} s")
        self._begun = now


@contextmanager
def _connected(database_url: str, *, autocommit: bool = False) -> Iterator[Any]:
    """Give a cursor, whose work is one transaction; its statements may take long.

    The shop's own connections may not, where it runs in this process too.
    """
    waiting = extensions.get_wait_callback()
    extensions.set_wait_callback(None)
    try:
        with closing(psycopg2.connect(database_url)) as connection:
            connection.autocommit = autocommit
            with connection.cursor() as cursor:
                cursor.execute(QUICKLY)
                yield cursor
            connection.commit()
    finally:
        extensions.set_wait_callback(waiting)


def _refuse_filled(cursor: Any) -> None:
    cursor.execute(f"LOCK TABLE {', '.join(STEPS)}")
    for table in STEPS:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - ours
        if cursor.fetchone()[0]:
            raise ValueError(f"There are {table} in this database already.")


def _drop_indexes(cursor: Any) -> list[str]:
    """Drop all indexes and keys; give the statements that make them again."""
    tables = {"tables": list(STEPS)}
    cursor.execute(CONSTRAINTS, tables)
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(INDEXES, tables)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    again = [
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
        for table, name, definition in reversed(constraints)
    ]
    return [definition for _, definition in indexes] + again


def _draw(
    cursor: Any,
    statement: str,
    orders: int,
    salt: str,
    tag: str | None = None,
    **more: object,
) -> None:
    """Make the table of sales that all others are written from."""
    cursor.execute(sales.FUNCTIONS, {"salt": salt, "tag": tag})
    cursor.execute(sales.BASKETS)
    values = [astuple(basket) for basket in list_baskets()]
    execute_values(cursor, "INSERT INTO baskets VALUES %s", values)
    cursor.execute(sales.SALES)
    # The numbers are taken from the counter, so that the shop goes on behind them.
    cursor.execute(
        "SELECT setval('order_number_seq', nextval('order_number_seq') + %s)", [orders]
    )
    pending = max(1, orders // PENDING_SHARE)
    given = {
        "orders": orders,
        "pending": pending,
        "settled": orders - pending,
        "baskets": BASKETS,
        "count": cursor.fetchone()[0] - orders,
        **more,
    }
    cursor.execute(statement, given)
    cursor.execute("ANALYZE baskets; ANALYZE sales")


def _values() -> Mapping[str, str]:
    payloads = json.loads(PAYLOADS.read_text("utf-8"))
    return {"shop": SHOP, **{name: json.dumps(one) for name, one in payloads.items()}}


def _add_waiting(
    database_url: str, count: int, tag: str, deadline: str, asked: str
) -> list[Payable]:
    with _connected(database_url) as cursor:
        cursor.execute(
            "SELECT now() + %s::interval, now() - %s::interval", [deadline, asked]
        )
        times = dict(zip(("deadline", "asked_at"), cursor.fetchone(), strict=True))
        _draw(cursor, sales.WAITING, count, tag, tag, **times)
        for table in OF_ONE_THAT_WAITS:
            cursor.execute(STEPS[table], _values())
        cursor.execute(sales.PAYABLES, {})
        return [
            Payable(UUID(order), UUID(attempt), *rest)
            for order, attempt, *rest in cursor.fetchall()
        ]


def main() -> None:
    """Fill a database of its own and say what it takes: `python -m bench.orders N`."""
    orders = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="storefront-bench-") as name:
        # Under root the server is another user, who has to pass through here.
        Path(name).chmod(0o711)
        with empty_shop(Path(name, "postgres")) as url:
            fill(url, orders, _say)
            _say(tabulate(sizes(url), orders))


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a person waits for it


if __name__ == "__main__":
    main()
