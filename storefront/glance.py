"""One look at the database, for what is asked all the time."""

from typing import Any

import psycopg2
from sqlalchemy.exc import OperationalError

from storefront.extensions import db


def glance(statement: str, **values: Any) -> tuple[Any, ...] | None:
    """Ask what one row answers, in one round trip, and leave no transaction open.

    Past the ORM: no object is built.

    :return: None if there is no such row; one without columns is an empty tuple.
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
    except BaseException as error:
        # Nobody shall get it as it is: broken, or without transactions.
        connection.invalidate()
        if isinstance(error, psycopg2.OperationalError):
            raise OperationalError(
                statement, None, error, hide_parameters=True
            ) from error
        raise
    finally:
        connection.close()
    return row
