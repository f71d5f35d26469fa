"""What of Stripe's books ours agree with: one question for a whole page of them."""

from collections.abc import Sequence

from sqlalchemy import select

from storefront.extensions import db
from storefront.gateway.port import (
    DisputeSeen,
    PaymentSeen,
    RefundSeen,
    SessionSeen,
)
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Dispute,
    Order,
    Refund,
)
from storefront.orders.status import standing


def list_known_sessions(sessions: Sequence[SessionSeen]) -> set[str]:
    """List the sessions of which we know as much, by their ids."""
    told = {session.id: AttemptState(session.outcome.value) for session in sessions}
    rows = db.session.execute(
        select(CheckoutAttempt.provider_session_id, CheckoutAttempt.state).where(
            CheckoutAttempt.provider_session_id.in_(told)
        )
    )
    # Disagreements are on the attention list; asking again does not settle them.
    return {
        key
        for key, state in rows
        if key and state in (told[key], AttemptState.DISAGREES)
    }


def list_known_payments(payments: Sequence[PaymentSeen]) -> set[str]:
    """List the payments that we count, or that are on the attention list."""
    found = db.session.scalars(
        select(CheckoutAttempt.provider_payment_intent_id).where(
            CheckoutAttempt.provider_payment_intent_id.in_(
                [one.id for one in payments]
            ),
            CheckoutAttempt.state.in_((AttemptState.PAID, AttemptState.DISAGREES)),
        )
    )
    return {key for key in found if key}


def list_known_refunds(refunds: Sequence[RefundSeen]) -> set[str]:
    """List the refunds that are known as they stand, and counted accordingly.

    They count in the order that their payment settles; of a second payment they do not.
    """
    told = {refund.id: (refund.payment_intent_id, refund.state) for refund in refunds}
    rows = db.session.execute(
        select(Refund, Order.provider_payment_intent_id)
        .join(
            CheckoutAttempt,
            CheckoutAttempt.provider_payment_intent_id
            == Refund.provider_payment_intent_id,
        )
        .join(Order)
        .where(Refund.provider_refund_id.in_(told))
    )
    return {
        known.provider_refund_id
        for known, settling in rows
        if (known.provider_payment_intent_id, known.state.value)
        == told[known.provider_refund_id]
        and known.counted_amount
        == standing(known.state, known.amount)
        * (known.provider_payment_intent_id == settling)
    }


def list_known_disputes(disputes: Sequence[DisputeSeen]) -> set[str]:
    """List the disputes that are known as they stand."""
    told = {dispute.id: dispute.state for dispute in disputes}
    rows = db.session.execute(
        select(Dispute.provider_dispute_id, Dispute.state).where(
            Dispute.provider_dispute_id.in_(told)
        )
    )
    return {key for key, state in rows if state.value == told[key]}
