"""All rows of the orders, to be compared after two ways of doing the same."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import text

from storefront.checkout.settle_order import settle_order
from storefront.extensions import db
from storefront.gateway.port import SessionSeen
from storefront.transaction import transaction

# Each with what puts its rows in order.
TABLES = {
    "orders": "number",
    "checkout_attempts": "position",
    "order_events": "sequence",
    "letters": "kind",
    "matters": "reason",
    "refunds": "provider_refund_id",
    "disputes": "provider_dispute_id",
}
# What another moment, or another draw, makes different.
OF_THE_MOMENT = {
    "orders": {"updated_at", "paid_at"},
    "checkout_attempts": {"asked_at"},
    "order_events": {"id", "sequence", "created_at"},
    "letters": {"id", "created_at", "due_at"},
    "matters": {"id", "raised_at"},
}
Rows = dict[str, list[dict[str, Any]]]


class NotKept(Exception):
    """Undoes a transaction whose rows have been looked at."""


def read_rows() -> Rows:
    """Read the tables within the transaction that is open."""
    rows = {}
    for table, order in TABLES.items():
        statement = text(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608
        rows[table] = [dict(row) for row in db.session.execute(statement).mappings()]
    return rows


def without_moments(rows: Rows) -> Rows:
    """Leave out what another moment makes different."""
    return {
        table: [
            {
                name: value
                for name, value in row.items()
                if name not in OF_THE_MOMENT.get(table, ())
            }
            for row in found
        ]
        for table, found in rows.items()
    }


def rows_now() -> Rows:
    """Read the tables as they are."""
    with transaction():
        return read_rows()


def rows_by_settling(order_id: str, session: SessionSeen, source: str) -> Rows:
    """Go the ordinary way, look, and undo it."""
    with suppress(NotKept), transaction():
        settle_order(UUID(order_id), session, source)
        db.session.flush()
        rows = read_rows()
        raise NotKept
    return rows
