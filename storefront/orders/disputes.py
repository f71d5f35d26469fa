"""Disputes: kept by their ids; each stage is a matter for the owner.

Every function here runs inside the transaction of its caller. A dispute changes no
status: the money is the bank's to decide about, and the owner's to argue for.
"""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from storefront.extensions import db
from storefront.orders.history import raise_matter, settle_matters
from storefront.orders.models import Dispute, DisputeState, Order
from storefront.orders.status import furthest

INQUIRY, OPENED = "dispute inquiry", "dispute opened"
STAGES = {
    DisputeState.WARNING_NEEDS_RESPONSE: INQUIRY,
    DisputeState.WARNING_UNDER_REVIEW: INQUIRY,
    DisputeState.WARNING_CLOSED: "dispute inquiry closed",
    DisputeState.NEEDS_RESPONSE: OPENED,
    DisputeState.UNDER_REVIEW: OPENED,
    DisputeState.WON: "dispute won",
    DisputeState.LOST: "dispute lost",
}
# Told, and nothing is left to do.
OVER = frozenset({DisputeState.WARNING_CLOSED, DisputeState.WON, DisputeState.LOST})


def remember_dispute(
    dispute_id: str,
    payment_intent_id: str,
    state: DisputeState,
    amount: int,
    currency: str,
    reason: str,
) -> None:
    """Keep what is known of a dispute, whether or not its payment is known yet."""
    db.session.execute(
        insert(Dispute)
        .values(
            provider_dispute_id=dispute_id,
            provider_payment_intent_id=payment_intent_id,
            state=state,
            amount=amount,
            currency=currency,
            reason=reason,
        )
        .on_conflict_do_nothing()
    )
    dispute = db.session.scalars(
        select(Dispute)
        .where(Dispute.provider_dispute_id == dispute_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    dispute.state = furthest(dispute.state, state)


def tell_of_disputes(order: Order) -> None:
    """Put each stage of each dispute of the order's payments on the attention list."""
    payments = [a.provider_payment_intent_id for a in order.attempts]
    known = [payment for payment in payments if payment]
    if not known:
        return
    for dispute in db.session.scalars(
        select(Dispute).where(Dispute.provider_payment_intent_id.in_(known))
    ):
        _tell(order, dispute)


def _tell(order: Order, dispute: Dispute) -> None:
    raise_matter(
        STAGES[dispute.state],
        dispute.provider_dispute_id,
        order,
        dispute={
            "amount": dispute.amount,
            "currency": dispute.currency,
            "reason": dispute.reason,
        },
    )
    for stage in (INQUIRY, OPENED) if dispute.state in OVER else ():
        settle_matters(stage, [dispute.provider_dispute_id])
