"""Products told in several languages, and products that pause."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "products",
        sa.Column(
            "translations", postgresql.JSONB(), server_default="{}", nullable=False
        ),
    )
    op.add_column("products", sa.Column("pause_note", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("products", "pause_note")
    op.drop_column("products", "translations")
