"""Runs the migrations with the app's own engine.

A migration waits at most four seconds for a lock: rather fail and be run again than
stand in front of every customer.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

from storefront.database import wait_for_ever

wait_for_ever()
db = current_app.extensions["migrate"].db


def run() -> None:
    with db.engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.execute(text("SET statement_timeout = '60s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            compare_server_default=True,
            # Each lets go of its locks, and one may need to be in no transaction.
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
