"""A letter with the links of somebody's orders, and how those orders are found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TYPE letter_kind ADD VALUE 'orders_found'")
    op.create_index(
        "ix_orders_customer_email", "orders", [sa.text("lower(customer_email)")]
    )


def downgrade() -> None:
    op.drop_index("ix_orders_customer_email", "orders")
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
