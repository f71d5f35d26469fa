"""The one place that commits what takes more than one message (glance.py: one)."""

from collections.abc import Iterator
from contextlib import contextmanager

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
