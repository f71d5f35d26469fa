"""Which fact an event tells; the table reads as the list of events to subscribe to."""

from collections.abc import Callable
from typing import Any

from storefront.checkout.settle_order import (
    settle_dispute,
    settle_order,
    settle_refund,
)
from storefront.checkout.whose import find_order_meant, is_ours
from storefront.gateway.port import PaymentSeen, SessionSeen
from storefront.gateway.reading import (
    read_dispute,
    read_payment,
    read_refund,
    read_refunded_charge,
    read_session,
)
from storefront.orders.refunds import want_refunds_read

Json = dict[str, Any]
# Whether the event was about something of ours.
Handler = Callable[[Json], bool]
SOURCE = "webhook"


def session_moved(session: Json) -> bool:
    """A Checkout Session was completed, paid later, or expired."""
    if session.get("mode", "payment") != "payment":
        # Somebody else's subscription or card on file: it has no amount to read.
        return False
    return _settle(read_session(session))


def session_failed(session: Json) -> bool:
    """A delayed payment failed; only the event's type tells, the object does not."""
    return _settle(read_session(session, failed=True))


def payment_succeeded(intent: Json) -> bool:
    """Money has arrived; this may come before or after the session's own news."""
    return _settle(read_payment(intent))


def payment_failed(intent: Json) -> bool:
    """A card was declined. The session stays open: nothing to do but keep the event."""
    return is_ours(None, intent.get("id"))


def charge_refunded(charge: Json) -> bool:
    """Some refund moved: which, is read from Stripe by a job."""
    hint = read_refunded_charge(charge)
    if hint is None or not is_ours(hint.mark, hint.payment_intent_id):
        return False
    want_refunds_read(hint.payment_intent_id)
    return True


def refund_moved(refund: Json) -> bool:
    """A refund was made, came through, or failed.

    It carries no mark of ours and may come before its payment is known, so it is kept
    in any case.
    """
    seen = read_refund(refund)
    if seen is None:
        return False
    settle_refund(seen, SOURCE)
    return True


def dispute_moved(dispute: Json) -> bool:
    """A customer's bank asks for the money back, or has decided."""
    seen = read_dispute(dispute)
    if seen is None:
        return False
    settle_dispute(seen, SOURCE)
    return True


HANDLERS: dict[str, Handler] = {
    # paid, or a delayed payment has begun
    "checkout.session.completed": session_moved,
    "checkout.session.async_payment_succeeded": session_moved,
    "checkout.session.async_payment_failed": session_failed,
    # nobody paid in time
    "checkout.session.expired": session_moved,
    "payment_intent.succeeded": payment_succeeded,
    "payment_intent.payment_failed": payment_failed,
    "charge.refunded": charge_refunded,
    "refund.created": refund_moved,
    "refund.updated": refund_moved,
    "refund.failed": refund_moved,
    "charge.dispute.created": dispute_moved,
    "charge.dispute.updated": dispute_moved,
    "charge.dispute.closed": dispute_moved,
    # the older twin of refund.updated, still sent for some methods
    "charge.refund.updated": refund_moved,
}


def _settle(news: SessionSeen | PaymentSeen) -> bool:
    """Settle the order that the news is about.

    :raises OrderUnknown: it bears our mark, but there is no such order (yet).
    """
    order_id = find_order_meant(news)
    if order_id is None:
        return False
    settle_order(order_id, news, SOURCE)
    return True
