"""Which catalog this is: changes with every change, so that pages can be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("products", "product_files", "sellers", "texts")
# Within the transaction of the change: who sees the new version sees the change.
NOTE_CHANGE = """
CREATE FUNCTION note_catalog_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO catalog_versions (id, version) VALUES (1, gen_random_uuid())
  ON CONFLICT (id) DO UPDATE SET version = excluded.version;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "catalog_versions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalog_versions_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_versions")),
    )
    op.execute(NOTE_CHANGE)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER note_catalog_change"
            f" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_catalog_change()"
        )
        # Restored and replicated rows change the catalog too.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER note_catalog_change")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER note_catalog_change ON {table}")
    op.execute("DROP FUNCTION note_catalog_change()")
    op.drop_table("catalog_versions")
