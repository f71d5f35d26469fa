"""Looking orders up."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import selectinload

from storefront.extensions import db
from storefront.glance import glance
from storefront.orders.models import CheckoutAttempt, Matter, Order, Refund
from storefront.orders.status import UNFINISHED

# What secrets.token_urlsafe(32) makes.
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# A year of orders fits into one letter, whatever somebody has done with an address.
FINDABLE, MOST_FOUND = timedelta(days=365), 50
# An order has one attempt under way at most; without one it is not pending.
WAITING_QUIETLY = """
    SELECT FROM orders JOIN checkout_attempts ON order_id = orders.id
    WHERE page_token = %(token)s
        AND status = 'pending' AND state IN ('prepared', 'open')
        AND (checkout_attempts.provider_session_id IS NULL
            OR asked_at >= now() - %(pause)s)
"""

# What was paid stays paid: nobody need hold the row for this to go on being true.
PAID_BY = """
    SELECT FROM checkout_attempts JOIN orders ON orders.id = order_id
    WHERE checkout_attempts.provider_payment_intent_id = %(payment)s
        AND state = 'paid'
        AND total_amount = %(amount)s AND currency = %(currency)s
        AND (shipping_address IS NOT NULL OR %(ships)s = FALSE)
        AND (%(session)s IS NULL
            OR checkout_attempts.provider_session_id = %(session)s)
        AND orders.id::text = coalesce(%(reference)s, orders.id::text)
"""


def find_order(order_id: UUID) -> Order | None:
    """Find an order by its id."""
    return db.session.get(Order, order_id)


def find_order_by_token(page_token: str) -> Order | None:
    """Find an order by the secret of its page."""
    if not TOKEN.fullmatch(page_token):
        return None
    return _one(select(Order).where(Order.page_token == page_token))


def is_waiting_quietly(page_token: str, pause: timedelta) -> bool:
    """Tell whether an order still waits for money, and nobody need ask for it yet.

    :param pause: how long nobody has to ask Stripe again.
    """
    return glance(WAITING_QUIETLY, token=page_token, pause=pause) is not None


def is_paid_by(
    payment_id: str,
    amount: int,
    currency: str,
    *,
    ships: bool,
    session_id: str | None = None,
    reference: str | None = None,
) -> bool:
    """Tell whether this is all known of a payment, and where to send it to as well.

    :param amount: minor units of `currency`.
    :param reference: the order's id, as far as it is told.
    """
    facts = {"amount": amount, "currency": currency, "ships": ships}
    told = {"session": session_id, "reference": reference}
    return glance(PAID_BY, payment=payment_id, **facts, **told) is not None


def find_order_by_number(number: str) -> Order | None:
    """Find an order by the number that people use."""
    return _one(select(Order).where(Order.number == number.upper()))


def list_latest_orders(limit: int) -> Sequence[Order]:
    """List the newest orders."""
    return db.session.scalars(
        select(Order).order_by(Order.created_at.desc()).limit(limit)
    ).all()


def list_orders_of(email: str) -> Sequence[Order]:
    """List what was ordered with an e-mail address within a year, newest first."""
    return db.session.scalars(
        select(Order)
        .where(
            func.lower(Order.customer_email) == email.lower(),
            Order.created_at > func.now() - FINDABLE,
        )
        .order_by(Order.created_at.desc())
        .limit(MOST_FOUND)
        .options(selectinload(Order.attempts))
    ).all()


def list_open_matters() -> Sequence[Matter]:
    """List what needs the owner's attention, oldest first."""
    return db.session.scalars(
        select(Matter).where(Matter.settled_at.is_(None)).order_by(Matter.raised_at)
    ).all()


def find_order_id(
    session_id: str | None = None, payment_intent_id: str | None = None
) -> UUID | None:
    """Find whose Checkout Session or PaymentIntent this is, if it is one of ours."""
    matches = []
    if session_id:
        matches.append(CheckoutAttempt.provider_session_id == session_id)
    if payment_intent_id:
        matches.append(CheckoutAttempt.provider_payment_intent_id == payment_intent_id)
    if not matches:
        return None
    return db.session.scalar(select(CheckoutAttempt.order_id).where(or_(*matches)))


def list_refunds(payment_intent_ids: Sequence[str]) -> Sequence[Refund]:
    """List what is known of the refunds of these payments."""
    if not payment_intent_ids:
        return []
    return db.session.scalars(
        select(Refund)
        .where(Refund.provider_payment_intent_id.in_(payment_intent_ids))
        .order_by(Refund.created_at)
    ).all()


def list_counted_refunds(order: Order) -> list[Refund]:
    """List the refunds that `amount_refunded` holds, oldest first."""
    payments = [attempt.provider_payment_intent_id for attempt in order.attempts]
    known = list_refunds([payment for payment in payments if payment])
    return [refund for refund in known if refund.counted_amount]


def claim_question(attempt_id: UUID, pause: timedelta) -> bool:
    """Take the right to ask Stripe about an attempt, unless it was asked just now.

    One question in `pause`, over all processes: the row is the throttle.
    """
    claimed = db.session.execute(
        update(CheckoutAttempt)
        .where(
            CheckoutAttempt.id == attempt_id,
            CheckoutAttempt.state.in_(UNFINISHED),
            CheckoutAttempt.asked_at < func.now() - pause,
        )
        .values(asked_at=func.now())
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _one(statement: Select[Order]) -> Order | None:
    return db.session.scalars(statement).one_or_none()
