"""Asking Stripe how an order stands, when no webhook has told."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, func, select, update

from storefront.checkout.close_attempt import close_unknown
from storefront.checkout.door import gateway
from storefront.checkout.pay_at_once import pay_at_once
from storefront.checkout.settle_apart import settle_apart
from storefront.checkout.settle_order import settle_order, settle_refund
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import GatewayUnavailable, RequestRefused, SessionUnknown
from storefront.orders.models import CheckoutAttempt, Order, RefundReading
from storefront.orders.pace import PAGE_PAUSE
from storefront.orders.queries import claim_question
from storefront.orders.status import UNFINISHED
from storefront.transaction import end_reading, transaction

# A customer looks at the page; the next poll asks again.
PAGE_BUDGET_SECONDS = 3.0
BATCH = 25


def look_again(order: Order) -> bool:
    """Ask Stripe about the order that a customer is looking at, but not too often.

    :return: whether Stripe was asked, so that the order may have changed.
    """
    attempt = order.attempts[-1]
    if attempt.state not in UNFINISHED or attempt.provider_session_id is None:
        return False
    with transaction():
        if not claim_question(attempt.id, PAGE_PAUSE):
            return False
    try:
        _ask(attempt, "order page", PAGE_BUDGET_SECONDS)
    except GatewayUnavailable as error:
        current_app.logger.info("order page waits for Stripe: %s", error)
    return True


def ask_unfinished(asked_before: datetime, go_on: Callable[[], bool]) -> int:
    """Ask about every unfinished session that nobody asked about for a while.

    Safe to repeat, and in several processes at once.

    :param asked_before: as in expire_orders.
    :param go_on: as in expire_orders.
    """
    asked = 0
    while go_on() and (batch := _claim_unfinished(asked_before)):
        for attempt in batch:
            try:
                _ask(attempt, "reconcile")
            except GatewayUnavailable as error:
                current_app.logger.warning("reconciling waits for Stripe: %s", error)
                return asked
            asked += 1
    return asked


def _claim_unfinished(asked_before: datetime) -> Sequence[CheckoutAttempt]:
    # A CTE is asked once; a subquery perhaps for every row, taking others each time.
    unfinished = (
        select(CheckoutAttempt.id)
        .where(
            CheckoutAttempt.state.in_(UNFINISHED),
            CheckoutAttempt.provider_session_id.is_not(None),
            CheckoutAttempt.asked_at < asked_before,
        )
        .order_by(CheckoutAttempt.asked_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte()
    )
    with transaction():
        return db.session.scalars(
            update(CheckoutAttempt)
            .where(CheckoutAttempt.id.in_(select(unfinished)))
            .values(asked_at=func.clock_timestamp())
            .returning(CheckoutAttempt)
            .execution_options(populate_existing=True)
        ).all()


def _ask(attempt: CheckoutAttempt, source: str, *budget: float) -> None:
    session_id = attempt.provider_session_id or ""
    end_reading()
    try:
        session = gateway().get_session(session_id, *budget)
    except SessionUnknown:
        close_unknown(attempt.order_id, attempt.id, tell_owner=True)
        return
    reach("session asked about, not settled")
    # The plain way has a transaction of its own; the one around it has begun nothing.
    settle_apart(
        session,
        lambda: (
            pay_at_once(session, source)
            or settle_order(attempt.order_id, session, source)
        ),
    )


def read_refunds(due_before: datetime, go_on: Callable[[], bool]) -> int:
    """Read the refunds of payments that a webhook named, and settle each.

    Safe to repeat: a reading that fails comes back later, with growing pauses.

    :param due_before: takes what is due by then.
    :param go_on: as in expire_orders.
    """
    read = 0
    while go_on() and (payment_intent_id := _claim_reading(due_before)):
        end_reading()
        reach("refund reading claimed")
        try:
            refunds = gateway().list_refunds(payment_intent_id)
        except GatewayUnavailable as error:
            current_app.logger.warning("refunds wait for Stripe: %s", error)
            return read
        except RequestRefused as error:
            # Told of by a webhook, unknown when asked: it comes back, ever later.
            current_app.logger.error("refunds cannot be read: %s", error)
            continue
        reach("refunds read, not settled")
        with transaction():
            for refund in refunds:
                settle_refund(refund, "refund reading")
            db.session.execute(
                delete(RefundReading).where(
                    RefundReading.provider_payment_intent_id == payment_intent_id,
                    # A hint that came meanwhile has made it due anew.
                    RefundReading.tries > 0,
                )
            )
        read += 1
    return read


def hurry_refunds() -> None:
    """Make every reading due that is backing off."""
    with transaction():
        db.session.execute(update(RefundReading).values(due_at=func.now()))


def _claim_reading(due_before: datetime) -> str | None:
    due = (
        select(RefundReading.provider_payment_intent_id)
        .where(RefundReading.due_at < due_before)
        .order_by(RefundReading.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    # 10 s, 20 s, 40 s … ten minutes; also the time after which a dead reader's is free.
    pause = func.make_interval(
        0, 0, 0, 0, 0, 0, func.least(600, 10 * func.power(2, RefundReading.tries))
    )
    with transaction():
        return db.session.scalar(
            update(RefundReading)
            .where(RefundReading.provider_payment_intent_id == due.scalar_subquery())
            .values(
                due_at=func.clock_timestamp() + pause, tries=RefundReading.tries + 1
            )
            .returning(RefundReading.provider_payment_intent_id)
        )
