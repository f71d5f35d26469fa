"""Settling one of many, so that one that cannot be settled keeps no other waiting."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from flask import current_app
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from storefront.gateway.port import DisputeSeen, PaymentSeen, RefundSeen, SessionSeen
from storefront.orders.history import raise_matter, settle_matters
from storefront.transaction import transaction

REASON = "not taken in"
# The database's own trouble, not that of what is settled: it would meet all the others.
PASSING = (InterfaceError, OperationalError, TimeoutError)

Seen = SessionSeen | PaymentSeen | RefundSeen | DisputeSeen
Settled = TypeVar("Settled")


def settle_apart(seen: Seen, settle: Callable[[], Settled]) -> Settled | None:
    """Settle what was seen at Stripe, or put it on the attention list and give None.

    A second try is for what two processes do at the same moment. The owner is told by
    name and amount, once; whoever walks by again tries again.

    Transaction: one of its own. Safe to repeat, as what it calls is.

    :raises sqlalchemy.exc.SQLAlchemyError: one of PASSING; the run ends and comes back.
    """
    failed = ""
    for is_last in (False, True):
        try:
            with transaction():
                return settle()
        except PASSING:
            raise
        except Exception as error:
            failed = type(error).__name__
            current_app.logger.warning(
                "%s cannot be taken in: %s", seen.id, failed, exc_info=is_last
            )
    told = {"amount": seen.amount, "currency": seen.currency}
    with transaction():
        raise_matter(REASON, _subject(seen), None, seen=told, error=failed)
    return None


def close_matters(taken_in: Iterable[Seen]) -> None:
    """Take off the attention list what our books agree with by now.

    Transaction: the caller's.
    """
    settle_matters(REASON, [_subject(seen) for seen in taken_in])


def _subject(seen: Seen) -> str:
    """Name the payment rather than its session: the books hold both, told is one."""
    payment = seen.payment_intent_id if isinstance(seen, SessionSeen) else None
    return payment or seen.id
