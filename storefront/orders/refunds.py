"""Refunds: kept by their ids, counted where they stand.

Every function here runs inside the transaction of its caller.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from storefront.extensions import db
from storefront.orders.history import raise_matter, settle_matters, tell
from storefront.orders.models import (
    CheckoutAttempt,
    Order,
    OrderEventType,
    Refund,
    RefundReading,
    RefundState,
)
from storefront.orders.queries import list_refunds
from storefront.orders.status import furthest, standing


def remember_refund(
    refund_id: str,
    payment_intent_id: str,
    state: RefundState,
    amount: int,
    currency: str,
) -> None:
    """Keep what is known of a refund, whether or not its payment is known yet."""
    db.session.execute(
        insert(Refund)
        .values(
            provider_refund_id=refund_id,
            provider_payment_intent_id=payment_intent_id,
            state=state,
            amount=amount,
            currency=currency,
        )
        .on_conflict_do_nothing()
    )
    refund = db.session.scalars(
        select(Refund)
        .where(Refund.provider_refund_id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    refund.state = furthest(refund.state, state)


def want_refunds_read(payment_intent_id: str) -> None:
    """Have a payment's refunds read from Stripe soon."""
    db.session.execute(
        insert(RefundReading)
        .values(provider_payment_intent_id=payment_intent_id)
        .on_conflict_do_update(
            index_elements=[RefundReading.provider_payment_intent_id],
            set_={"due_at": func.now(), "tries": 0},
        )
    )


def count_refunds(order: Order, settled: CheckoutAttempt | None) -> list[Refund]:
    """Make the refunded sum that of the refunds that stand; give those newly counted.

    Only the payment that settles the order counts. What was paid besides is returned
    outside of it, and then settles its own matter.
    """
    payments = [a.provider_payment_intent_id for a in order.attempts]
    refunds = list_refunds([payment for payment in payments if payment])
    ours = settled.provider_payment_intent_id if settled else None
    counted = []
    for refund in refunds:
        counts = refund.provider_payment_intent_id == ours
        if _count(order, refund, _target(refund) if counts else 0):
            counted.append(refund)
        if refund.state is RefundState.FAILED:
            _tell_of_failure(order, refund)
    # Where there was no second payment there is no such matter to settle.
    for attempt in order.attempts:
        if attempt is not settled:
            _settle_second_payment(order, attempt, refunds)
    return counted


def _target(refund: Refund) -> int:
    return standing(refund.state, refund.amount)


def _count(order: Order, refund: Refund, target: int) -> bool:
    """Count a refund for what it is worth now; whether it has come in newly."""
    difference = target - refund.counted_amount
    if difference == 0:
        return False
    total = order.amount_refunded + difference
    if refund.currency != order.currency or total > order.total_amount:
        raise_matter(
            "refund disagrees",
            refund.provider_refund_id,
            order,
            refund={"amount": refund.amount, "currency": refund.currency},
            paid={"amount": order.total_amount, "currency": order.currency},
        )
        return False
    refund.counted_amount = target
    order.amount_refunded = total
    tell(
        order,
        OrderEventType.REFUNDED,
        refund=refund.provider_refund_id,
        amount=difference,
        amount_refunded=total,
    )
    return bool(target)


def _tell_of_failure(order: Order, refund: Refund) -> None:
    raise_matter(
        "refund failed",
        refund.provider_refund_id,
        order,
        refund={"amount": refund.amount, "currency": refund.currency},
    )


def _settle_second_payment(
    order: Order, attempt: CheckoutAttempt, refunds: Sequence[Refund]
) -> None:
    returned = sum(
        _target(refund)
        for refund in refunds
        if refund.provider_payment_intent_id == attempt.provider_payment_intent_id
    )
    if returned >= order.total_amount:
        settle_matters("second payment", [second_payment_id(attempt)])


def second_payment_id(attempt: CheckoutAttempt) -> str:
    """Name a payment that came on top of the one that settled the order."""
    return attempt.provider_session_id or str(attempt.id)
