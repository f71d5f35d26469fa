"""Giving up: orders that nobody paid in time, and pages that are no longer needed."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import func, or_, select, update

from storefront.checkout.close_attempt import close_attempt
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import AnswerUnusable, GatewayUnavailable
from storefront.orders.models import AttemptState, CheckoutAttempt, Order, OrderStatus
from storefront.transaction import transaction

# Few enough that a dead process keeps little waiting, many enough to be quick.
BATCH = 25
CLOSABLE = (AttemptState.PREPARED, AttemptState.OPEN)


def expire_orders(asked_before: datetime, go_on: Callable[[], bool]) -> int:
    """Close what is overdue, asking Stripe first; give how many were closed.

    Stripe is asked outside of any transaction; an order that turns out to be paid is
    settled. When Stripe does not answer the rest waits for the next run; an answer of
    no use keeps only its own order waiting, unless a whole batch gets nothing better.

    Safe to repeat, and in several processes at once: each takes other rows, by the
    database's clock.

    :param asked_before: leaves alone what somebody asked about after that moment.
    :param go_on: called between batches; False ends the run.
    """
    closed = 0
    while go_on() and (batch := _claim_overdue(asked_before)):
        reach("overdue orders claimed")
        try:
            closed_now = sum(_close(attempt) for attempt in batch)
        except GatewayUnavailable as error:
            current_app.logger.warning("expiry waits for Stripe: %s", error)
            return closed
        closed += closed_now
        if not closed_now:
            return closed
    return closed


def _close(attempt: CheckoutAttempt) -> bool:
    try:
        close_attempt(attempt)
    except AnswerUnusable as error:
        current_app.logger.warning("order %s waits: %s", attempt.order_id, error)
        return False
    reach("one of many closed")
    return True


def _claim_overdue(asked_before: datetime) -> Sequence[CheckoutAttempt]:
    """Take attempts of overdue orders, and open ones of orders paid another way."""
    overdue = (
        select(CheckoutAttempt.id)
        .join(Order)
        .where(
            CheckoutAttempt.state.in_(CLOSABLE),
            CheckoutAttempt.asked_at < asked_before,
            or_(
                (Order.status == OrderStatus.PENDING) & (Order.expires_at < func.now()),
                Order.status.in_((OrderStatus.PAID, OrderStatus.REFUNDED)),
            ),
        )
        .limit(BATCH)
        .with_for_update(of=CheckoutAttempt, skip_locked=True)
    )
    with transaction():
        return db.session.scalars(
            update(CheckoutAttempt)
            .where(CheckoutAttempt.id.in_(overdue.scalar_subquery()))
            .values(asked_at=func.clock_timestamp())
            .returning(CheckoutAttempt)
            .execution_options(populate_existing=True)
        ).all()
