"""Statements of withdrawal, and when deliveries began that end the right to one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("deliveries", "withdrawals")
REFUSE = """
CREATE FUNCTION refuse_rewriting_statements() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$ LANGUAGE plpgsql
"""


def upgrade() -> None:
    # In no transaction, so that the value may be used at once.
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE letter_kind ADD VALUE IF NOT EXISTS 'withdrawal'")
    op.create_table(
        "deliveries",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        _moment("begun_at"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_deliveries_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "product_id", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "withdrawals",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "line_items", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        _moment("stated_at"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_withdrawals_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_withdrawals")),
    )
    op.execute(REFUSE)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_statements()"
        )
        op.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_statements()"
        )


def _moment(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_rewriting_statements")
    # Postgres takes no value out of a type: another one takes its place.
    op.execute("DELETE FROM letters WHERE kind = 'withdrawal'")
    op.execute("ALTER TYPE letter_kind RENAME TO letter_kind_before")
    op.execute(
        "CREATE TYPE letter_kind AS ENUM ('receipt', 'new_order', 'refund',"
        " 'payment_failed', 'attention', 'orders_found', 'receipt_again')"
    )
    op.execute(
        "ALTER TABLE letters ALTER kind TYPE letter_kind USING kind::text::letter_kind"
    )
    op.execute("DROP TYPE letter_kind_before")
