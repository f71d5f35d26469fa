"""Products, the files they deliver, and who sells."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("session", "pack", "almanac", name="product_kind"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("next_steps", sa.Text(), nullable=False),
        sa.Column("unit_amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("pack_of", sa.Text(), nullable=True),
        sa.Column("pack_size", sa.Integer(), nullable=True),
        sa.Column("edition", sa.Text(), nullable=True),
        sa.Column(
            "shipping_countries", postgresql.ARRAY(sa.String(length=2)), nullable=True
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'pack') = (pack_of IS NOT NULL)"
            " AND (kind = 'pack') = (pack_size IS NOT NULL)",
            name=op.f("ck_products_packs_hold_sessions"),
        ),
        sa.CheckConstraint(
            "(kind = 'session') = (duration_minutes IS NOT NULL)",
            name=op.f("ck_products_sessions_have_a_duration"),
        ),
        sa.CheckConstraint(
            "pack_size >= 2", name=op.f("ck_products_pack_size_at_least_two")
        ),
        sa.CheckConstraint(
            "unit_amount > 0", name=op.f("ck_products_unit_amount_above_zero")
        ),
        sa.ForeignKeyConstraint(
            ["pack_of"], ["products.id"], name=op.f("fk_products_pack_of")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_table(
        "product_files",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("fk_product_files_product_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_files")),
    )
    op.create_table(
        "sellers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("tax_id", sa.Text(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sellers_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sellers")),
    )


def downgrade() -> None:
    op.drop_table("sellers")
    op.drop_table("product_files")
    op.drop_table("products")
    op.execute("DROP TYPE product_kind")
