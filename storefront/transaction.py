"""The one place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager

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


def end_reading() -> None:
    """End whatever was only read, before the outside world is asked.

    :raises RuntimeError: inside a transaction, where asking would hold its locks.
    """
    if db.session.info.get("in_transaction"):
        raise RuntimeError("The outside world is never asked inside a transaction.")
    db.session.rollback()
