"""A letter with the links of somebody's orders, and how those orders are found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_orders_customer_email"


def upgrade() -> None:
    # Beside customers who order: nobody waits for it, so it may take its time.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        op.execute("ALTER TYPE letter_kind ADD VALUE IF NOT EXISTS 'orders_found'")
        # What a try that was broken off has left is of no use, and in the way.
        op.drop_index(NAME, "orders", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME,
            "orders",
            [sa.text("lower(customer_email)")],
            postgresql_concurrently=True,
        )
        op.execute("SET lock_timeout = '4s'; SET statement_timeout = '60s'")


def downgrade() -> None:
    op.drop_index(NAME, "orders")
    # Postgres takes no value out of a type: another one takes its place.
    op.execute("DELETE FROM letters WHERE kind = 'orders_found'")
    op.execute("ALTER TYPE letter_kind RENAME TO letter_kind_before")
    op.execute(
        "CREATE TYPE letter_kind AS ENUM"
        " ('receipt', 'new_order', 'refund', 'payment_failed', 'attention')"
    )
    op.execute(
        "ALTER TABLE letters ALTER kind TYPE letter_kind USING kind::text::letter_kind"
    )
    op.execute("DROP TYPE letter_kind_before")
