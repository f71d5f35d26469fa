"""Canceling what plainly nobody paid: many orders in one transaction.

What is not plain is left to settle_order, one by one; both ways leave the same rows.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import aliased

from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.port import SessionOutcome, SessionSeen
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderEvent,
    OrderEventType,
    OrderStatus,
)
from storefront.transaction import transaction

# What an attempt may have come to while its session can still be expired unpaid.
CLOSABLE = (AttemptState.PREPARED, AttemptState.OPEN)


def cancel_unpaid(sessions: Sequence[SessionSeen], source: str) -> set[str]:
    """Cancel the orders of sessions that have expired, as far as that is all to do.

    It is all while an order waits for this one attempt and no payment is known of it:
    refunds and disputes are found by their payments, and no letter tells of an expiry.

    1. Lock the orders, always in the same direction; what somebody else has in hand is
    left out. 2. Look under the locks whether it is plain, and cancel. The second
    statement begins when the locks are held, and so sees what was done before them; a
    single one would look at attempts as they were while it waited.

    Transaction: one of its own. Safe to repeat: what is canceled is not pending.

    :return: the sessions whose orders are given up by now, whoever came first, so that
        nothing is left to settle.
    """
    plain = [session.id for session in sessions if _is_plain(session)]
    if not plain:
        return set()
    with transaction():
        locked = _lock_pending(plain)
        if locked:
            _cancel(locked, plain, source)
        reach("unpaid orders canceled, not committed")
        return _given_up(plain)


def _is_plain(session: SessionSeen) -> bool:
    """Tell that a session brings no other news than its end."""
    return session.outcome is SessionOutcome.EXPIRED and not (
        session.payment_intent_id or session.shipping
    )


def _lock_pending(session_ids: Sequence[str]) -> Sequence[UUID]:
    meant = select(CheckoutAttempt.order_id).where(
        CheckoutAttempt.provider_session_id.in_(session_ids)
    )
    return db.session.scalars(
        select(Order.id)
        .where(Order.id.in_(meant), Order.status == OrderStatus.PENDING)
        .order_by(Order.id)
        .with_for_update(skip_locked=True)
    ).all()


def _cancel(order_ids: Sequence[UUID], session_ids: Sequence[str], source: str) -> None:
    """Write for all these orders what service.derive writes for one."""
    other = aliased(CheckoutAttempt)
    another = (
        select(other.id)
        .where(
            other.order_id == CheckoutAttempt.order_id, other.id != CheckoutAttempt.id
        )
        .correlate(CheckoutAttempt)
    )
    expired = (
        update(CheckoutAttempt)
        .where(
            CheckoutAttempt.order_id.in_(order_ids),
            CheckoutAttempt.provider_session_id.in_(session_ids),
            CheckoutAttempt.provider_payment_intent_id.is_(None),
            CheckoutAttempt.state.in_(CLOSABLE),
            ~another.exists(),
        )
        .values(state=AttemptState.EXPIRED)
        .returning(CheckoutAttempt.order_id)
        .cte()
    )
    canceled = db.session.scalars(
        update(Order)
        .where(Order.id == expired.c.order_id)
        .values(status=OrderStatus.CANCELED)
        .returning(Order.id)
    )
    told = {
        "event_type": OrderEventType.CANCELED,
        "event_metadata": {"source": source},
    }
    events = [{"order_id": order_id, **told} for order_id in canceled]
    if events:
        db.session.execute(insert(OrderEvent), events)


def _given_up(session_ids: Sequence[str]) -> set[str]:
    found = db.session.scalars(
        select(CheckoutAttempt.provider_session_id)
        .join(Order)
        .where(
            CheckoutAttempt.provider_session_id.in_(session_ids),
            CheckoutAttempt.state == AttemptState.EXPIRED,
            Order.status == OrderStatus.CANCELED,
        )
    )
    return {session_id for session_id in found if session_id}
