"""The one place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy.exc import OperationalError

from sqlalchemy import Connection

from storefront.extensions import db


@contextmanager
def transaction() -> Iterator[None]:
    """Do what stands inside as one transaction: commit, or roll back on any error.

    A read left over from before is ended first, so that the whole block sees one
    moment. Blocks do not nest: whoever opens one decides what is atomic.
    """
    if db.session.info.get("in_transaction"):
        raise RuntimeError("A transaction is open already; its owner decides.")
    db.session.rollback()
    db.session.info["in_transaction"] = True
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.info["in_transaction"] = False


@contextmanager
def single_statements() -> Iterator[Connection]:
    """Give a connection on which each statement is a transaction of its own.

    One round trip each, where `transaction()` takes four: for the same small change
    over and over. It bears no look at whether the connection still lives: whoever
    uses it does a statement that fails once more, in a transaction.
    """
    with db.engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def end_reading() -> None:
    """End whatever was only read, before the outside world is asked.

    :raises RuntimeError: inside a transaction, where asking would hold its locks.
    """
    if db.session.info.get("in_transaction"):
        raise RuntimeError("The outside world is never asked inside a transaction.")
    db.session.rollback()


def glance(statement: str, **values: Any) -> tuple[Any, ...] | None:
    """Ask what one row answers, in one round trip, and leave no transaction open.

    For what is asked all the time: past the ORM, no object is built.

    :raises OperationalError: the database is away.
    """
    connection = db.engine.raw_connection()
    driver: Any = connection.dbapi_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
        driver.autocommit = False
    except psycopg2.OperationalError as error:
        connection.invalidate()
        raise OperationalError(statement, None, error, hide_parameters=True) from error
    finally:
        connection.close()
    return row
