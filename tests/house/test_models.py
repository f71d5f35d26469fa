"""Models against migrations, to the letter: what tables the two would make."""

from contextlib import closing

import psycopg2

from storefront import create_app
from storefront.extensions import Model, db
from storefront.settings import read_settings
from tests.fixtures.shop import environment

# Not the one row of the seller: its migration made a sequence that nobody asks.
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
        AND NOT a.attisdropped AND c.relname NOT IN ('alembic_version', 'sellers')
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text <> 'alembic_version'
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
SEQUENCES = """
    SELECT sequencename, start_value, increment_by, max_value, cycle
    FROM pg_sequences
    WHERE schemaname = 'public' AND sequencename <> 'sellers_id_seq'
"""


def definitions(database_url: str) -> set[tuple[object, ...]]:
    """Give all that Postgres knows of the tables of a database."""
    with closing(psycopg2.connect(database_url)) as base, base.cursor() as cursor:
        found: set[tuple[object, ...]] = set()
        for question in (COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES):
            cursor.execute(question)
            found.update(cursor.fetchall())
        return found


def test_the_models_would_make_the_tables_that_the_migrations_make(
    database_url: str, fresh_database: str
) -> None:
    app = create_app(read_settings(environment(fresh_database)))
    with app.app_context():
        Model.metadata.create_all(db.engine)
        db.engine.dispose()

    assert definitions(fresh_database) == definitions(database_url)
