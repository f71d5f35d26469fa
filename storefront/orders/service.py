"""The rows of an order: the only hand that changes status, facts and history.

Every function here runs inside the transaction of its caller, who decides what is
atomic.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from storefront.errors import OrderUnknown
from storefront.extensions import db
from storefront.orders.disputes import tell_of_disputes
from storefront.orders.history import raise_matter, tell
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderEventType,
    OrderStatus,
    Refund,
)
from storefront.orders.refunds import count_refunds, second_payment_id
from storefront.orders.status import derive_status, furthest, settling

TOLD_AS = {
    OrderStatus.FAILED: OrderEventType.FAILED,
    OrderStatus.CANCELED: OrderEventType.CANCELED,
}
# A new order, its first attempt and the beginning of its history, in one message.
WRITE_DOWN = """
INSERT INTO orders (id, number, page_token, status, line_items, currency, total_amount,
    customer_email, customer_name, note, locale, consent, provider, expires_at)
VALUES (%(order)s, %(number)s, %(page_token)s, 'pending', %(line_items)s, %(currency)s,
    %(total_amount)s, %(customer_email)s, %(customer_name)s, %(note)s, %(locale)s,
    %(consent)s, 'stripe', %(expires_at)s);

INSERT INTO checkout_attempts (id, order_id, position, state, parameters,
    idempotency_key)
VALUES (%(attempt)s, %(order)s, 1, 'prepared', %(parameters)s, %(idempotency_key)s);

INSERT INTO order_events (id, order_id, event_type, event_metadata)
VALUES (%(event)s, %(order)s, 'created', '{"attempt": 1}');
"""
# As `identify` and `advance`, in one round trip: every checkout does it. The second
# statement begins under the lock, and sees all that its last owner did.
KEEP = """
SELECT FROM orders WHERE id = %(order)s FOR UPDATE;

WITH kept AS (
    UPDATE checkout_attempts
    SET provider_session_id = coalesce(provider_session_id, %(session)s),
        state = greatest(state, 'open')
    WHERE id = %(attempt)s
    RETURNING order_id, position
)
UPDATE orders SET provider_session_id = %(session)s, updated_at = now()
FROM kept
WHERE orders.id = kept.order_id AND paid_at IS NULL
    AND NOT EXISTS (SELECT FROM checkout_attempts AS later
        WHERE later.order_id = orders.id AND later.position > kept.position);
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What deriving the status has changed.

    `revived`: it was paid after it had been given up or had failed. `failed`: the
    attempt whose delayed payment has failed. `refunded`: what was newly returned.
    """

    became_paid: bool
    revived: bool
    failed: CheckoutAttempt | None
    refunded: list[Refund]


def lock_order(order_id: UUID) -> Order:
    """Take the order's row for the rest of the transaction, as it is now.

    Whatever was read before is read anew where it is looked at: while this waited for
    the lock, its owner may have changed attempts and refunds too.

    :raises OrderUnknown: if there is none.
    """
    db.session.flush()
    db.session.expire_all()
    order: Order | None = db.session.scalar(
        select(Order).where(Order.id == order_id).with_for_update()
    )
    if order is None:
        raise OrderUnknown("Stripe speaks of an order that is not here.")
    return order


def written(order: Order) -> dict[str, Any]:
    """Give the values of WRITE_DOWN, for an order that waits for its first attempt."""
    (attempt,) = order.attempts
    return {
        "order": str(order.id),
        "number": order.number,
        "page_token": order.page_token,
        "line_items": json.dumps(order.line_items),
        "currency": order.currency,
        "total_amount": order.total_amount,
        "customer_email": order.customer_email,
        "customer_name": order.customer_name,
        "note": order.note,
        "locale": order.locale,
        "consent": json.dumps(order.consent) if order.consent else None,
        "expires_at": order.expires_at,
        "attempt": str(attempt.id),
        "parameters": json.dumps(attempt.parameters),
        "idempotency_key": attempt.idempotency_key,
        "event": str(uuid7()),
    }


def add_attempt(
    order: Order, attempt_id: UUID, parameters: dict[str, Any], expires_at: datetime
) -> CheckoutAttempt:
    """Open an attempt at paying: the order waits for money until `expires_at`."""
    position = len(order.attempts) + 1
    attempt = CheckoutAttempt(
        id=attempt_id,
        order_id=order.id,
        position=position,
        state=AttemptState.PREPARED,
        parameters=parameters,
        # Of this attempt alone, and the same however often it is asked for.
        idempotency_key=f"{order.id}/{position}",
    )
    order.attempts.append(attempt)
    order.expires_at = expires_at
    order.status = OrderStatus.PENDING
    return attempt


def advance(attempt: CheckoutAttempt, state: AttemptState) -> None:
    """Add to what is known of an attempt; what is known already changes nothing."""
    attempt.state = furthest(attempt.state, state)
    if attempt.state is AttemptState.PROCESSING:
        # Banks take days, and then the payment counts.
        attempt.order.expires_at = None


def identify(
    attempt: CheckoutAttempt,
    session_id: str | None = None,
    payment_intent_id: str | None = None,
) -> None:
    """Add Stripe's ids to an attempt, as far as they were unknown."""
    attempt.provider_session_id = attempt.provider_session_id or session_id
    attempt.provider_payment_intent_id = (
        attempt.provider_payment_intent_id or payment_intent_id
    )


def get_attempt(order: Order, attempt_id: UUID) -> CheckoutAttempt:
    """Give one of the order's attempts."""
    return next(attempt for attempt in order.attempts if attempt.id == attempt_id)


def keep_session(order_id: UUID, attempt_id: UUID, session_id: str) -> None:
    """Keep the session that Stripe made for an attempt: it can be paid from now on."""
    values = kept(order_id, attempt_id, session_id)
    db.session.connection().exec_driver_sql(KEEP, values)


def kept(order_id: UUID, attempt_id: UUID, session_id: str) -> dict[str, str]:
    """Give the values of KEEP."""
    return {"order": str(order_id), "attempt": str(attempt_id), "session": session_id}


def derive(order: Order, source: str) -> Change:
    """Bring the order in line with the facts, and write down what changed.

    Safe to repeat: without new facts nothing changes.

    :param source: who brought the facts: webhook, return page, expiry, reconcile.
    """
    before = order.status
    states = [attempt.state for attempt in order.attempts]
    place = settling(states)
    settled = None if place is None else order.attempts[place]
    newly = settled is not None and order.paid_at is None
    # The row's own constraints hold between moves, not in the middle of one.
    with db.session.no_autoflush:
        if settled is not None:
            _settle(order, settled, source)
        refunded = count_refunds(order, settled)
        tell_of_disputes(order)
        order.status = derive_status(states, order.total_amount, order.amount_refunded)
    if order.status is not before and order.status in TOLD_AS:
        tell(order, TOLD_AS[order.status], source=source)
    gone = before in (OrderStatus.CANCELED, OrderStatus.FAILED)
    failed = order.status is OrderStatus.FAILED and before is not OrderStatus.FAILED
    return Change(
        became_paid=newly,
        revived=newly and gone,
        failed=order.attempts[-1] if failed else None,
        refunded=refunded,
    )


def _settle(order: Order, settled: CheckoutAttempt, source: str) -> None:
    order.provider_session_id = settled.provider_session_id
    order.provider_payment_intent_id = settled.provider_payment_intent_id
    if order.paid_at is None:
        order.paid_at = func.now()
        tell(
            order,
            OrderEventType.PAID,
            attempt=settled.position,
            amount=order.total_amount,
            source=source,
        )
    for other in order.attempts:
        if other.state is AttemptState.PAID and other is not settled:
            raise_matter(
                "second payment",
                second_payment_id(other),
                order,
                paid={"amount": order.total_amount, "currency": order.currency},
            )
