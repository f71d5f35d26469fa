"""The orders that were there before their check on consent are looked through."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Beside customers who order, and done at once where it was done before.
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_consent_is_whole")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_consent_is_whole,"
        " ADD CONSTRAINT ck_orders_consent_is_whole"
        " CHECK (consent ?& ARRAY['kind', 'version', 'language', 'text']) NOT VALID"
    )
