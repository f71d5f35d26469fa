"""A receipt that was asked for again is a letter of its own kind."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In no transaction, so that the value may be used at once.
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE letter_kind ADD VALUE IF NOT EXISTS 'receipt_again'")


def downgrade() -> None:
    # Postgres takes no value out of a type: another one takes its place.
    op.execute("DELETE FROM letters WHERE kind = 'receipt_again'")
    op.execute("ALTER TYPE letter_kind RENAME TO letter_kind_before")
    op.execute(
        "CREATE TYPE letter_kind AS ENUM ('receipt', 'new_order', 'refund',"
        " 'payment_failed', 'attention', 'orders_found')"
    )
    op.execute(
        "ALTER TABLE letters ALTER kind TYPE letter_kind USING kind::text::letter_kind"
    )
    op.execute("DROP TYPE letter_kind_before")
