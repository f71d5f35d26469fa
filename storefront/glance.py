"""One round trip to the database, for what is asked and written all the time."""

from typing import Any

import psycopg2
from sqlalchemy.exc import DBAPIError, OperationalError

from storefront.database import DatabaseSilent, takes_no_changes, unasked
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
        return single_trip(statement, **values)


def single_trip(statement: str, **values: Any) -> Row | None:
    """Have Postgres do what one message holds, as a transaction of its own.

    All of it or nothing, however many statements it holds; each of them sees what was
    committed before it began.

    :return: the first row that the last statement gives.
    :raises DBAPIError: of the kind, and as bare of values, as the session would give.
    """
    try:
        return _ask(statement, values)
    except psycopg2.Error as error:
        raise _wrapped(statement, error) from error


def _wrapped(statement: str, error: psycopg2.Error) -> BaseException:
    if takes_no_changes(error):
        return OperationalError(statement, None, error, hide_parameters=True)
    return DBAPIError.instance(
        statement, None, error, psycopg2.Error, hide_parameters=True
    )


def _ask(statement: str, values: dict[str, Any]) -> Row | None:
    connection = db.engine.raw_connection()
    driver: Any = connection.dbapi_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            gives_rows = cursor.description is not None
            row: Row | None = cursor.fetchone() if gives_rows else None
        driver.autocommit = False
    except BaseException:
        # Nobody shall get it as it is: broken, or without transactions.
        connection.invalidate()
        raise
    finally:
        connection.close()
    return row
