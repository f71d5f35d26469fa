"""What the checker compares, read at one moment: our tables, Stripe's, the mail."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2.extras import RealDictCursor

from storefront.demo.mailbox.letters import Letter

Row = dict[str, Any]
Ledger = dict[str, Any]

# A job that was killed is free again after its lease; then it has to have worked.
SECONDS_TO_SETTLE = 300


@dataclass(frozen=True)
class Books:
    """All there is to compare. `letters` is None where the mailbox is not ours."""

    orders: Sequence[Row]
    attempts: Sequence[Row]
    events: Sequence[Row]
    refunds: Sequence[Row]
    matters: Sequence[Row]
    outbox: Sequence[Row]
    withdrawals: Sequence[Row]
    stuck: Sequence[Row]
    ledger: Ledger
    letters: Sequence[Letter] | None

    def payments(self) -> dict[str, Row]:
        """Give the charges of ours that collected money, by payment."""
        return {
            charge["payment_intent"]: charge
            for charge in self.ledger["charges"]
            if charge["status"] == "succeeded" and "order_id" in charge["metadata"]
        }

    def paid_at_address(self) -> dict[Any, str]:
        """Give the orders that were paid, each with where its letters go."""
        return {
            order["id"]: order["customer_email"]
            for order in self.orders
            if order["paid_at"] is not None
        }

    @cached_property
    def returned(self) -> Counter[str | None]:
        """Add up what Stripe has returned of each payment, in its own units."""
        sums = Counter[str | None]()
        for one in self.ledger["refunds"]:
            if one["status"] == "succeeded":
                sums[one["payment_intent"]] += one["amount"]
        return sums


def read_books(
    database_url: str, ledger: Ledger, letters: Iterable[Letter] | None
) -> Books:
    """Read everything at one moment of the database."""
    connection = psycopg2.connect(database_url, cursor_factory=RealDictCursor)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

            def read(statement: str) -> list[Row]:
                cursor.execute(statement)
                return [dict(row) for row in cursor.fetchall()]

            return Books(
                orders=read("SELECT *, expires_at < now() AS overdue FROM orders"),
                attempts=read("SELECT * FROM checkout_attempts ORDER BY position"),
                events=read("SELECT * FROM order_events ORDER BY sequence"),
                refunds=read("SELECT * FROM refunds"),
                matters=read("SELECT * FROM matters"),
                outbox=read("SELECT * FROM letters"),
                withdrawals=read("SELECT * FROM withdrawals"),
                stuck=read(STUCK),
                ledger=ledger,
                letters=None if letters is None else list(letters),
            )
    finally:
        connection.close()


STUCK = f"""
    SELECT 'letter' AS what, id::text AS subject FROM letters
        WHERE sent_at IS NULL AND parked_at IS NULL
        AND due_at < now() - interval '{SECONDS_TO_SETTLE} seconds'
    UNION ALL SELECT 'refund reading', provider_payment_intent_id FROM refund_readings
        WHERE due_at < now() - interval '{SECONDS_TO_SETTLE} seconds'
    UNION ALL SELECT 'job', name FROM scheduled_jobs
        WHERE leased_until < now() - interval '{SECONDS_TO_SETTLE} seconds'
    UNION ALL SELECT 'event', id FROM stripe_events
        WHERE outcome IS NULL
        AND received_at < now() - interval '{SECONDS_TO_SETTLE} seconds'
"""  # noqa: S608 - a number of ours
