"""Giving up: orders that nobody paid in time, and pages that are no longer needed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import ColumnElement, func, select, update

from storefront.checkout.cancel_unpaid import CLOSABLE, cancel_unpaid
from storefront.checkout.close_attempt import close_unanswered, close_unknown
from storefront.checkout.door import gateway
from storefront.checkout.expire_sessions import Answer, expire_sessions, is_silence
from storefront.checkout.settle_apart import settle_apart
from storefront.checkout.settle_order import settle_order
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import (
    AnswerUnusable,
    GatewayUnavailable,
    SessionUnknown,
)
from storefront.gateway.port import SessionSeen
from storefront.orders.models import CheckoutAttempt, Order, OrderStatus
from storefront.transaction import end_reading, transaction

SOURCE = "expiry"
# Stripe takes eight seconds for so many at its pace: a process that dies keeps no more
# waiting, for a minute, and the lease of the job is renewed long before it ends.
BATCH = 160
# Without a session each takes two questions, one after the other.
UNANSWERED_BATCH = 20


class Overdue(NamedTuple):
    """An attempt to be closed; without a session Stripe's answer never came."""

    id: UUID
    order_id: UUID
    session_id: str | None


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
    while go_on() and (batch := _claim(asked_before)):
        reach("overdue orders claimed")
        before = closed
        try:
            for _ in _close(batch):
                closed += 1
                reach("one of many closed")
        except GatewayUnavailable as error:
            current_app.logger.warning("expiry waits for Stripe: %s", error)
            break
        if closed == before:
            break
    return closed


def _close(batch: Sequence[Overdue]) -> Iterator[Overdue]:
    """Give each one of a batch that could be closed, as soon as it is.

    :raises GatewayUnavailable: Stripe does not answer; what it had answered is settled.
    """
    yield from _close_sessions({one.session_id: one for one in batch if one.session_id})
    yield from _close_unanswered(one for one in batch if not one.session_id)


def _close_sessions(overdue: Mapping[str, Overdue]) -> Iterator[Overdue]:
    end_reading()
    answers = expire_sessions(gateway(), list(overdue))
    reach("sessions expired, none settled")
    seen = [
        answer
        for session_id, answer in answers.items()
        # Of another session than was asked about nothing is believed.
        if isinstance(answer, SessionSeen) and answer.id == session_id
    ]
    settled = cancel_unpaid(seen, SOURCE)
    for session_id, answer in answers.items():
        one = overdue[session_id]
        if session_id in settled or _settle(one, answer):
            yield one
    for answer in answers.values():
        if isinstance(answer, GatewayUnavailable) and is_silence(answer):
            raise answer


def _settle(one: Overdue, answer: Answer) -> bool:
    """Settle what was answered; False if that was of no use."""
    if isinstance(answer, SessionSeen):
        return bool(
            settle_apart(answer, lambda: settle_order(one.order_id, answer, SOURCE))
        )
    if isinstance(answer, SessionUnknown):
        close_unknown(one.order_id, one.id, tell_owner=True)
        return True
    if not is_silence(answer):
        current_app.logger.warning("order %s waits: %s", one.order_id, answer)
    return False


def _close_unanswered(overdue: Iterable[Overdue]) -> Iterator[Overdue]:
    for one in overdue:
        attempt = db.session.get_one(CheckoutAttempt, one.id, populate_existing=True)
        try:
            close_unanswered(attempt)
        except AnswerUnusable as error:
            current_app.logger.warning("order %s waits: %s", one.order_id, error)
        else:
            yield one


def _claim(asked_before: datetime) -> Sequence[Overdue]:
    """Take attempts of overdue orders, else open ones of orders paid another way.

    One question after the other: each begins with an index that holds what is open
    only, and none looks through the orders of years.
    """
    overdue = (Order.status == OrderStatus.PENDING) & (Order.expires_at < func.now())
    paid = Order.status.in_((OrderStatus.PAID, OrderStatus.REFUNDED))
    answered = CheckoutAttempt.provider_session_id.is_not(None)
    return (
        _claim_some(overdue & answered, BATCH, asked_before)
        or _claim_some(paid & answered, BATCH, asked_before)
        or _claim_some((overdue | paid) & ~answered, UNANSWERED_BATCH, asked_before)
    )


def _claim_some(
    condition: ColumnElement[bool], limit: int, asked_before: datetime
) -> Sequence[Overdue]:
    # A CTE is asked once; a subquery perhaps for every row, taking others each time.
    found = (
        select(CheckoutAttempt.id)
        .join(Order)
        .where(
            CheckoutAttempt.state.in_(CLOSABLE),
            CheckoutAttempt.asked_at < asked_before,
            condition,
        )
        .limit(limit)
        .with_for_update(of=CheckoutAttempt, skip_locked=True)
        .cte()
    )
    with transaction():
        claimed = db.session.execute(
            update(CheckoutAttempt)
            .where(CheckoutAttempt.id.in_(select(found)))
            .values(asked_at=func.clock_timestamp())
            .returning(
                CheckoutAttempt.id,
                CheckoutAttempt.order_id,
                CheckoutAttempt.provider_session_id,
            )
        )
        return [Overdue(*row) for row in claimed]
