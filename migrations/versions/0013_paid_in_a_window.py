"""How orders are found that were paid in a window: the books are compared by it."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAME = "ix_orders_paid_at"


def upgrade() -> None:
    # Beside customers who order: nobody waits for it, so it may take its time.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        # What a try that was broken off has left is of no use, and in the way.
        op.drop_index(NAME, "orders", if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, "orders", ["paid_at"], postgresql_concurrently=True)
        op.execute("SET lock_timeout = '4s'; SET statement_timeout = '60s'")


def downgrade() -> None:
    op.drop_index(NAME, "orders")
