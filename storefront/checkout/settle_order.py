"""Settling: the one door through which news about money reaches an order.

The webhook, the order page, the expiry and reconciliation all come through here, in a
transaction of theirs. Calling it again, late, twice at once or in any order ends in
the same state: facts only advance, and the status is derived from them.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.port import (
    DisputeSeen,
    PaymentSeen,
    RefundSeen,
    SessionOutcome,
    SessionSeen,
)
from storefront.letters.outbox import write_letters
from storefront.orders import service
from storefront.orders.disputes import remember_dispute
from storefront.orders.history import raise_matter
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    DisputeState,
    Order,
    RefundState,
)
from storefront.orders.queries import find_order_id
from storefront.orders.refunds import remember_refund
from storefront.orders.status import UNFINISHED
from storefront.settings import current_settings

News = SessionSeen | PaymentSeen


def settle_order(order_id: UUID, news: News | None, source: str) -> Order:
    """Add what Stripe told to what is known of the order, and draw the consequences.

    Transaction: the caller's; the order's row stays locked until its end.
    Safe to repeat: a fact that is known already changes nothing.

    1. Lock the order. 2. Find the attempt that is meant. 3. Compare everything that
    has to agree before anything counts as paid. 4. Advance the attempt. 5. Derive the
    status; the history, the letters and what is owed follow in the same transaction.

    :param news: None after the refunds of the order's payment have changed.
    :raises OrderUnknown: if the order is not in the database (yet).
    """
    if news is not None:
        _hold_payment(
            news.payment_intent_id if isinstance(news, SessionSeen) else news.id
        )
    order = service.lock_order(order_id)
    reach("order locked")
    if news is not None:
        _learn(order, news)
    reach("fact added, nothing derived")
    change = service.derive(order, source)
    reach("status derived, no letter written")
    write_letters(order, change)
    reach("order settled, not committed")
    return order


def settle_refund(refund: RefundSeen, source: str) -> None:
    """Keep what Stripe told of a refund, and settle the order whose payment it is.

    Transaction: the caller's. Safe to repeat: refunds are known by their ids.
    """
    _hold_payment(refund.payment_intent_id)
    order_id = find_order_id(payment_intent_id=refund.payment_intent_id)
    if order_id is not None:
        # Order first, then refund: everybody locks in this direction.
        service.lock_order(order_id)
    remember_refund(
        refund.id,
        refund.payment_intent_id,
        _refund_state(refund.state),
        refund.amount,
        refund.currency,
    )
    if order_id is not None:
        settle_order(order_id, None, source)


def settle_dispute(dispute: DisputeSeen, source: str) -> None:
    """Keep what Stripe told of a dispute, and tell the owner of the order's.

    Transaction: the caller's. Safe to repeat: disputes are known by their ids.
    """
    _hold_payment(dispute.payment_intent_id)
    order_id = find_order_id(payment_intent_id=dispute.payment_intent_id)
    if order_id is not None:
        service.lock_order(order_id)
    remember_dispute(
        dispute.id,
        dispute.payment_intent_id,
        _dispute_state(dispute.state),
        dispute.amount,
        dispute.currency,
        dispute.reason,
    )
    if order_id is not None:
        settle_order(order_id, None, source)


def _hold_payment(payment_intent_id: str | None) -> None:
    """Keep news of a payment apart, while nobody knows yet whose order it is.

    Payment first, then order: everybody locks in this direction.
    """
    if payment_intent_id:
        key = func.hashtextextended(payment_intent_id, 0)
        db.session.execute(select(func.pg_advisory_xact_lock(key)))


def _dispute_state(state: str) -> DisputeState:
    try:
        return DisputeState(state)
    except ValueError:
        # One that we do not know yet: the owner has to look in any case.
        return DisputeState.WARNING_NEEDS_RESPONSE


def _refund_state(state: str) -> RefundState:
    try:
        return RefundState(state)
    except ValueError:
        # Stripe may add states; an unknown one has not given anything back yet.
        return RefundState.PENDING


def _learn(order: Order, news: News) -> None:
    attempt = _attempt_meant(order, news)
    if attempt is None:
        if _is_paid(news):
            raise_matter("unknown session", news.id, order, **_figures(news))
        return
    if _is_paid(news) and (differences := _differences(order, attempt, news)):
        raise_matter("payment disagrees", news.id, order, **differences)
        if attempt.state in UNFINISHED:
            service.advance(attempt, AttemptState.DISAGREES)
        return
    if isinstance(news, SessionSeen):
        service.identify(attempt, news.id, news.payment_intent_id)
        service.advance(attempt, AttemptState(news.outcome.value))
    else:
        service.identify(attempt, payment_intent_id=news.id)
        service.advance(attempt, AttemptState.PAID)
    # From whichever comes first: the receipt goes out as soon as the order is paid.
    order.shipping_address = order.shipping_address or news.shipping


def _attempt_meant(order: Order, news: News) -> CheckoutAttempt | None:
    """Find the attempt by Stripe's id; by our mark where that id is still unknown.

    The second way is for news that overtook the answer to our own call.
    """
    by_session = isinstance(news, SessionSeen)
    for attempt in order.attempts:
        known = (
            attempt.provider_session_id
            if by_session
            else attempt.provider_payment_intent_id
        )
        marked = news.mark is not None and news.mark.attempt_id == attempt.id
        if known == news.id or (known is None and marked):
            return attempt
    return None


def _is_paid(news: News) -> bool:
    return isinstance(news, PaymentSeen) or news.outcome is SessionOutcome.PAID


def _differences(
    order: Order, attempt: CheckoutAttempt, news: News
) -> dict[str, dict[str, Any]]:
    """Give what does not agree, each with what we expected and what Stripe says."""
    amount, reference = news.amount, None
    payment: str | None = news.id
    if isinstance(news, SessionSeen):
        # Wholly discounted, "no_payment_required": then no PaymentIntent exists.
        amount += news.amount_discounted if news.amount == 0 else 0
        reference = news.client_reference_id
        payment = news.payment_intent_id
    known_payment = attempt.provider_payment_intent_id
    pairs = {
        "amount": (order.total_amount, amount),
        "currency": (order.currency, news.currency),
        "livemode": (current_settings().livemode, news.livemode),
        "reference": (str(order.id), reference or str(order.id)),
        "payment": (known_payment or payment, payment or known_payment),
    }
    return {
        name: {"expected": expected, "seen": seen}
        for name, (expected, seen) in pairs.items()
        if expected != seen
    }


def _figures(news: News) -> dict[str, Any]:
    return {"paid": {"amount": news.amount, "currency": news.currency}}
