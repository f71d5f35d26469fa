"""One look at the database, for what is asked all the time."""

from typing import Any

import psycopg2
from sqlalchemy.exc import OperationalError

from storefront.database import DatabaseSilent, unasked
from storefront.extensions import db

Row = tuple[Any, ...]


def glance(statement: str, **values: Any) -> Row | None:
    """Ask what one row answers, in one round trip, and leave no transaction open.

    Past the ORM: no object is built. Nor is the connection asked before whether it
    still stands; if it does not, the question is asked once more on another.

    :param statement: a SELECT: it may run twice.
    :return: None if there is no such row; one without columns is an empty tuple.
    :raises OperationalError: the database is away.
    """
    try:
        with unasked():
            return _ask(statement, values)
    except DatabaseSilent as error:
        raise _wrapped(statement, error) from error
    except psycopg2.OperationalError:
        return _ask_again(statement, values)


def _ask_again(statement: str, values: dict[str, Any]) -> Row | None:
    try:
        return _ask(statement, values)
    except psycopg2.OperationalError as error:
        raise _wrapped(statement, error) from error


def _wrapped(statement: str, error: psycopg2.OperationalError) -> OperationalError:
    """Give the error in the form in which the session would raise it."""
    return OperationalError(statement, None, error, hide_parameters=True)


def _ask(statement: str, values: dict[str, Any]) -> Row | None:
    connection = db.engine.raw_connection()
    driver: Any = connection.dbapi_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            row: Row | None = cursor.fetchone()
        driver.autocommit = False
    except BaseException:
        # Nobody shall get it as it is: broken, or without transactions.
        connection.invalidate()
        raise
    finally:
        connection.close()
    return row
