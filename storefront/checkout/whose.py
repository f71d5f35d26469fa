"""Whose order Stripe speaks of, if it is one of ours at all."""

from typing import Any
from uuid import UUID

from storefront.gateway.port import Mark, PaymentSeen, SessionSeen
from storefront.orders.queries import find_order, find_order_id
from storefront.settings import current_settings


def find_order_meant(news: SessionSeen | PaymentSeen) -> UUID | None:
    """Find the order by Stripe's id, else by our mark, else by the reference.

    An order that only the mark names may not be in the database.
    """
    is_session = isinstance(news, SessionSeen)
    known = find_order_id(
        session_id=news.id if is_session else None,
        payment_intent_id=None if is_session else news.id,
    )
    if known:
        return known
    if news.mark and is_our_shop(news.mark):
        return news.mark.order_id
    return _order_referred_to(news) if isinstance(news, SessionSeen) else None


def is_ours(mark: Mark | None, payment_intent_id: Any) -> bool:
    """Tell whether a payment bears our mark, or is known as one of ours."""
    if mark and is_our_shop(mark):
        return True
    if not isinstance(payment_intent_id, str):
        return False
    return find_order_id(payment_intent_id=payment_intent_id) is not None


def is_our_shop(mark: Mark) -> bool:
    """Tell our mark from that of another shop on the same account."""
    return mark.shop == current_settings().base_url[:500]


def _order_referred_to(session: SessionSeen) -> UUID | None:
    """Find an order of ours that a session without our mark names as its reference."""
    try:
        order_id = UUID(str(session.client_reference_id))
    except ValueError:
        return None
    return order_id if find_order(order_id) else None
