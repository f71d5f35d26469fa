"""Which fact an event tells; the table reads as the list of events to subscribe to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from storefront.checkout.settle_order import (
    settle_dispute,
    settle_order,
    settle_refund,
)
from storefront.gateway.port import Mark, PaymentSeen, SessionSeen
from storefront.gateway.reading import (
    read_dispute,
    read_payment,
    read_refund,
    read_refunded_charge,
    read_session,
)
from storefront.orders.queries import find_order, find_order_id
from storefront.orders.refunds import want_refunds_read
from storefront.settings import current_settings

Json = dict[str, Any]
# Whether the event was about something of ours.
Handler = Callable[[Json], bool]
SOURCE = "webhook"


def session_moved(session: Json) -> bool:
    """A Checkout Session was completed, paid later, or expired."""
    return _settle(read_session(session))


def session_failed(session: Json) -> bool:
    """A delayed payment failed; only the event's type tells, the object does not."""
    return _settle(read_session(session, failed=True))


def payment_succeeded(intent: Json) -> bool:
    """Money has arrived; this may come before or after the session's own news."""
    return _settle(read_payment(intent))


def payment_failed(intent: Json) -> bool:
    """A card was declined. The session stays open: nothing to do but keep the event."""
    return _is_ours(None, intent.get("id"))


def charge_refunded(charge: Json) -> bool:
    """Some refund moved: which, is read from Stripe by a job."""
    hint = read_refunded_charge(charge)
    if hint is None or not _is_ours(hint.mark, hint.payment_intent_id):
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
    order_id = _order_meant(news)
    if order_id is None:
        return False
    settle_order(order_id, news, SOURCE)
    return True


def _order_meant(news: SessionSeen | PaymentSeen) -> UUID | None:
    is_session = isinstance(news, SessionSeen)
    known = find_order_id(
        session_id=news.id if is_session else None,
        payment_intent_id=None if is_session else news.id,
    )
    if known:
        return known
    if news.mark and _is_our_shop(news.mark):
        return news.mark.order_id
    return _order_referred_to(news) if isinstance(news, SessionSeen) else None


def _order_referred_to(session: SessionSeen) -> UUID | None:
    """Find an order of ours that a session without our mark names as its reference."""
    try:
        order_id = UUID(session.client_reference_id or "")
    except ValueError:
        return None
    return order_id if find_order(order_id) else None


def _is_ours(mark: Mark | None, payment_intent_id: Any) -> bool:
    if mark and _is_our_shop(mark):
        return True
    if not isinstance(payment_intent_id, str):
        return False
    return find_order_id(payment_intent_id=payment_intent_id) is not None


def _is_our_shop(mark: Mark) -> bool:
    return mark.shop == current_settings().base_url[:500]
