"""Migrations: in line, there and back, as the models say, and with teeth."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import flask_migrate
import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from psycopg2 import errors
from sqlalchemy import Enum, event

from storefront import create_app
from storefront.extensions import Model, db
from storefront.settings import read_settings
from tests.fixtures.shop import environment
from tests.house.tree import ROOT

FOLDER = ROOT / "migrations" / "versions"
FILES = sorted(path for path in FOLDER.glob("*.py"))


@contextmanager
def app_on(database_url: str) -> Iterator[Flask]:
    """Give the app with that database."""
    app = create_app(read_settings(environment(database_url)))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def rows(database_url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the database, past the app."""
    with closing(psycopg2.connect(database_url)) as base:
        base.autocommit = True
        with base.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


# In line


def test_migrations_are_numbered_without_gaps_and_named_by_their_deed() -> None:
    names = [path.name for path in FILES]
    assert all(re.fullmatch(r"\d{4}_[a-z][a-z_]+\.py", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_each_migration_follows_the_one_before() -> None:
    scripts = ScriptDirectory(str(FOLDER.parent))
    for path in FILES:
        script = scripts.get_revision(path.name[:4])
        number = int(path.name[:4])
        before = f"{number - 1:04}" if number > 1 else None
        assert script.path.endswith(path.name)
        assert script.down_revision == before


def test_there_is_one_head() -> None:
    scripts = ScriptDirectory(str(FOLDER.parent))
    assert scripts.get_heads() == [FILES[-1].name[:4]]


def test_every_migration_knows_the_way_back() -> None:
    for path in FILES:
        _, _, way_back = path.read_text("utf-8").partition("def downgrade()")
        assert way_back.strip()
        assert "pass" not in way_back.split()


# There and back


LEFT = """
    SELECT 'table ' || tablename FROM pg_tables WHERE schemaname = 'public'
    UNION SELECT 'type ' || typname FROM pg_type JOIN pg_namespace n
        ON n.oid = typnamespace WHERE nspname = 'public' AND typtype = 'e'
    UNION SELECT 'function ' || proname FROM pg_proc JOIN pg_namespace n
        ON n.oid = pronamespace WHERE nspname = 'public'
    UNION SELECT 'sequence ' || sequencename FROM pg_sequences
        WHERE schemaname = 'public'
"""


def test_up_and_down_and_up_again(fresh_database: str) -> None:
    with app_on(fresh_database):
        flask_migrate.upgrade()
        whole = set(rows(fresh_database, LEFT))
        flask_migrate.downgrade(revision="base")
        assert rows(fresh_database, LEFT) == [("table alembic_version",)]
        flask_migrate.upgrade()
        assert set(rows(fresh_database, LEFT)) == whole


def test_migrating_twice_is_migrating_once(fresh_database: str) -> None:
    with app_on(fresh_database):
        flask_migrate.upgrade()
        flask_migrate.upgrade()
    head = rows(fresh_database, "SELECT version_num FROM alembic_version")
    assert head == [(FILES[-1].name[:4],)]


def test_a_migration_waits_for_nobody_for_long(fresh_database: str) -> None:
    seen: set[tuple[str, str]] = set()

    def look(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TABLE" in statement:
            with cursor.connection.cursor() as other:
                other.execute("SHOW lock_timeout")
                lock = other.fetchone()[0]
                other.execute("SHOW statement_timeout")
                seen.add((lock, other.fetchone()[0]))

    with app_on(fresh_database):
        event.listen(db.engine, "after_cursor_execute", look)
        flask_migrate.upgrade()
    assert seen == {("4s", "1min")}


# What keeps writers out while it reads a table from end to end.
LOCKING = re.compile(
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON (?P<indexed>\w+)"
    r"|ALTER TABLE (?P<checked>\w+) ADD CONSTRAINT \S+ (CHECK|FOREIGN KEY|UNIQUE)"
    r"(?!.*NOT VALID)"
    r"|ALTER TABLE (?P<altered>\w+) ALTER (COLUMN )?\w+ (TYPE|SET NOT NULL)",
    re.DOTALL,
)


def test_no_migration_keeps_customers_waiting_for_a_large_table(
    fresh_database: str,
) -> None:
    new: set[str] = set()
    wrong: list[str] = []

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "alembic_version" in statement:
            # The next one begins.
            new.clear()
        if made := re.search(r"CREATE TABLE (\w+)", statement):
            new.add(made[1])
        if (slow := LOCKING.search(statement)) and not new & set(slow.groups()):
            wrong.append(statement)

    with app_on(fresh_database):
        event.listen(db.engine, "after_cursor_execute", look)
        flask_migrate.upgrade()
    assert wrong == []


def test_limits_are_back_after_what_may_take_its_time(fresh_database: str) -> None:
    after: set[tuple[str, str]] = set()

    def look(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "UPDATE alembic_version" in statement:
            with cursor.connection.cursor() as other:
                other.execute(
                    "SELECT current_setting('lock_timeout'),"
                    " current_setting('statement_timeout')"
                )
                after.add(other.fetchone())

    with app_on(fresh_database):
        event.listen(db.engine, "after_cursor_execute", look)
        flask_migrate.upgrade()
    assert after == {("4s", "1min")}


def test_models_and_migrations_agree(database_url: str) -> None:
    with app_on(database_url), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Model.metadata) == []


def test_models_and_migrations_name_the_same_checks(database_url: str) -> None:
    # The comparison above does not look at these.
    found = rows(database_url, "SELECT conname FROM pg_constraint WHERE contype = 'c'")
    with app_on(database_url):
        ours = {
            constraint.name
            for table in Model.metadata.tables.values()
            for constraint in table.constraints
            if str(constraint.name).startswith("ck_")
        }
    assert {name for (name,) in found if name.startswith("ck_")} == ours


def test_models_and_migrations_list_the_same_states(database_url: str) -> None:
    found = rows(
        database_url,
        "SELECT typname, array_agg(enumlabel::text ORDER BY enumsortorder)"
        " FROM pg_enum JOIN pg_type t ON t.oid = enumtypid GROUP BY typname",
    )
    ours = {
        column.type.name: list(column.type.enums)
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    }
    assert dict(found) == ours


# With teeth: what the rows themselves refuse

ORDER = {
    "id": "gen_random_uuid()",
    "number": "'A'",
    "page_token": "'t'",
    "status": "'pending'",
    "line_items": "'[]'",
    "currency": "'EUR'",
    "total_amount": "8000",
    "customer_email": "'ana@example.com'",
    "customer_name": "'Ana'",
    "locale": "'en'",
    "provider": "'stripe'",
}
ATTEMPT = {
    "id": "gen_random_uuid()",
    "position": "1",
    "state": "'open'",
    "parameters": "'{}'",
    "idempotency_key": "'key'",
}
EVENT = {"id": "gen_random_uuid()", "event_type": "'created'", "event_metadata": "'{}'"}


class Base:
    """A migrated database, and the rows that tests try to put there."""

    def __init__(self, url: str) -> None:
        """Remember its address."""
        self.url = url
        self.orders = 0

    def put(self, table: str, members: dict[str, str], **changed: str) -> str:
        """Insert a row, written in SQL; give its id."""
        row = {**members, **changed}
        statement = (
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"  # noqa: S608
            " RETURNING *"
        )
        return str(rows(self.url, statement)[0][0])

    def order(self, **changed: str) -> str:
        """Insert an order with a number of its own; give its id as SQL."""
        self.orders += 1
        own = {"number": f"'A{self.orders}'", "page_token": f"'t{self.orders}'"}
        return f"'{self.put('orders', {**ORDER, **own}, **changed)}'"

    def attempt(self, order: str, **changed: str) -> None:
        """Insert an attempt of an order, with a key of its own."""
        own = {"idempotency_key": f"'{uuid4()}'", "order_id": order}
        self.put("checkout_attempts", {**ATTEMPT, **own}, **changed)

    def event(self, order: str, **changed: str) -> None:
        """Insert a row of an order's history."""
        self.put("order_events", {**EVENT, "order_id": order}, **changed)


@pytest.fixture
def base(database_url: str) -> Base:
    """Give a migrated and empty database."""
    return Base(database_url)


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_no_order_is_for_nothing(base: Base, amount: str) -> None:
    with pytest.raises(errors.CheckViolation, match="total"):
        base.order(total_amount=amount)


@pytest.mark.parametrize("amount", ["8001", "-1"])
def test_no_order_is_refunded_more_than_its_total(base: Base, amount: str) -> None:
    with pytest.raises(errors.CheckViolation, match="refunded_within_total"):
        base.order(amount_refunded=amount)


@pytest.mark.parametrize("code", ["'eur'", "'EU'", "''", "'€€€'"])
def test_a_currency_is_three_capital_letters(base: Base, code: str) -> None:
    with pytest.raises(errors.CheckViolation, match="currency_upper_case"):
        base.order(currency=code)


@pytest.mark.parametrize(
    ("status", "paid_at"),
    [
        ("'paid'", "NULL"),
        ("'refunded'", "NULL"),
        ("'pending'", "now()"),
        ("'failed'", "now()"),
        ("'canceled'", "now()"),
    ],
)
def test_paid_orders_and_only_those_have_a_time_of_payment(
    base: Base, status: str, paid_at: str
) -> None:
    with pytest.raises(errors.CheckViolation, match="paid_at_when_paid"):
        base.order(status=status, paid_at=paid_at)


def test_no_status_but_the_five_exists(base: Base) -> None:
    with pytest.raises(errors.InvalidTextRepresentation):
        base.order(status="'shipped'")


@pytest.mark.parametrize(
    "name",
    ["number", "page_token", "provider_session_id", "provider_payment_intent_id"],
)
def test_no_two_orders_share(base: Base, name: str) -> None:
    base.order(**{name: "'same'"})
    with pytest.raises(errors.UniqueViolation, match=f"uq_orders_{name}"):
        base.order(**{name: "'same'"})


@pytest.mark.parametrize("second", ["'prepared'", "'open'", "'processing'"])
@pytest.mark.parametrize("first", ["'prepared'", "'open'", "'processing'"])
def test_an_order_has_one_open_attempt_at_most(
    base: Base, first: str, second: str
) -> None:
    order = base.order()
    base.attempt(order, state=first)
    with pytest.raises(errors.UniqueViolation, match="one_open"):
        base.attempt(order, state=second, position="2")


@pytest.mark.parametrize("state", ["'expired'", "'failed'", "'disagrees'", "'paid'"])
def test_a_finished_attempt_makes_room_for_another(base: Base, state: str) -> None:
    order = base.order()
    base.attempt(order, state=state)
    base.attempt(order, position="2")


@pytest.mark.parametrize(
    "name", ["provider_session_id", "provider_payment_intent_id", "idempotency_key"]
)
def test_no_two_attempts_share(base: Base, name: str) -> None:
    base.attempt(base.order(), **{name: "'same'"})
    with pytest.raises(errors.UniqueViolation, match=name):
        base.attempt(base.order(), **{name: "'same'"})


def test_an_attempt_belongs_to_an_order(base: Base) -> None:
    with pytest.raises(errors.ForeignKeyViolation):
        base.attempt("gen_random_uuid()")


def test_an_order_is_told_to_be_paid_once(base: Base) -> None:
    order = base.order()
    base.event(order, event_type="'paid'")
    with pytest.raises(errors.UniqueViolation, match="one_paid"):
        base.event(order, event_type="'paid'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_events SET event_type = 'paid'",
        "DELETE FROM order_events",
        "UPDATE order_events SET created_at = created_at",
        "TRUNCATE order_events",
    ],
)
def test_history_is_never_rewritten(base: Base, statement: str) -> None:
    base.event(base.order())
    with pytest.raises(psycopg2.Error, match="append-only"):
        rows(base.url, statement)
    assert rows(base.url, "SELECT event_type FROM order_events") == [("created",)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE withdrawals SET name = 'Eve'",
        "DELETE FROM withdrawals",
        "TRUNCATE withdrawals",
        "UPDATE deliveries SET begun_at = now()",
        "DELETE FROM deliveries",
        "TRUNCATE deliveries",
    ],
)
def test_statements_and_deliveries_are_never_rewritten(
    base: Base, statement: str
) -> None:
    order = base.order()
    base.put("deliveries", {"order_id": order, "product_id": "'a'"})
    stated = {"order_id": order, "name": "'Ana'", "email": "'a@b.org'"}
    base.put("withdrawals", stated | {"line_items": "'[]'"})
    with pytest.raises(psycopg2.Error, match="append-only"):
        rows(base.url, statement)
    assert rows(base.url, "SELECT name FROM withdrawals") == [("Ana",)]


def test_an_order_is_withdrawn_from_once(base: Base) -> None:
    stated = {"order_id": base.order(), "name": "'Ana'", "email": "'a@b.org'"}
    base.put("withdrawals", stated | {"line_items": "'[]'"})
    with pytest.raises(errors.UniqueViolation, match="pk_withdrawals"):
        base.put("withdrawals", stated | {"line_items": "'[]'"})


def test_an_order_with_a_history_cannot_vanish(base: Base) -> None:
    base.event(base.order())
    with pytest.raises(errors.ForeignKeyViolation):
        rows(base.url, "DELETE FROM orders")


def test_an_event_of_stripes_is_received_once(base: Base) -> None:
    event = {"id": "'evt_1'", "type": "'x'", "payload": "'{}'"}
    base.put("stripe_events", event)
    with pytest.raises(errors.UniqueViolation, match="pk_stripe_events"):
        base.put("stripe_events", event)


def test_a_refund_of_stripes_is_known_once(base: Base) -> None:
    refund = {
        "provider_refund_id": "'re_1'",
        "provider_payment_intent_id": "'pi_1'",
        "state": "'succeeded'",
        "amount": "1",
        "currency": "'EUR'",
    }
    base.put("refunds", refund)
    with pytest.raises(errors.UniqueViolation, match="pk_refunds"):
        base.put("refunds", refund)
    with pytest.raises(errors.CheckViolation, match="amount_not_negative"):
        base.put("refunds", refund, provider_refund_id="'re_2'", amount="-1")


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_no_product_is_free(base: Base, amount: str) -> None:
    with pytest.raises(errors.CheckViolation, match="unit_amount_above_zero"):
        rows(
            base.url,
            "INSERT INTO products (id, kind, name, summary, description, next_steps,"
            " unit_amount, currency, duration_minutes, is_active, position)"
            " VALUES ('a', 'session', 'a', 'a', 'a', 'a', %s, 'EUR', 1, true, 1)",
            amount,
        )


def test_every_time_of_the_shop_knows_its_zone(base: Base) -> None:
    bare = rows(
        base.url,
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
        " AND data_type = 'timestamp without time zone'",
    )
    assert bare == []


def test_every_amount_is_a_whole_number(base: Base) -> None:
    other = rows(
        base.url,
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
        " AND (column_name ~ 'amount' OR data_type IN ('numeric', 'real', 'money',"
        " 'double precision')) AND data_type NOT IN ('integer', 'bigint')",
    )
    assert other == []
