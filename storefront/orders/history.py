"""What is written down of an order: its events, and what needs the owner's eyes."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from storefront.extensions import db
from storefront.orders.models import Matter, Order, OrderEvent, OrderEventType


def tell(order: Order, event_type: OrderEventType, **metadata: Any) -> None:
    """Add a row to the order's history."""
    order.events.append(OrderEvent(event_type=event_type, event_metadata=metadata))


def raise_matter(
    reason: str, subject: str, order: Order | None, **figures: Any
) -> None:
    """Put something on the owner's attention list, once.

    :param subject: Stripe's id of what it is about; with the reason, it is unique.
    :param figures: amounts in minor units, with their currency beside them.
    """
    db.session.execute(
        insert(Matter)
        .values(
            reason=reason,
            subject=subject,
            order_id=order.id if order else None,
            figures=figures,
        )
        .on_conflict_do_nothing()
    )


def settle_matters(reason: str, subjects: Collection[str]) -> None:
    """Take something off the attention list: the facts have answered it."""
    db.session.execute(
        update(Matter)
        .where(
            Matter.reason == reason,
            Matter.subject.in_(subjects),
            Matter.settled_at.is_(None),
        )
        .values(settled_at=func.now())
    )
