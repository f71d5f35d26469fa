"""A studio's own texts, and what customers agreed to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "texts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "language", name=op.f("pk_texts")),
    )
    op.add_column(
        "orders",
        sa.Column("consent", postgresql.JSONB(none_as_null=True), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_orders_consent_is_whole"),
        "orders",
        "consent ?& ARRAY['kind', 'version', 'language', 'text']",
        # To look through the orders of years would keep customers waiting: 0014.
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_orders_consent_is_whole"), "orders")
    op.drop_column("orders", "consent")
    op.drop_table("texts")
