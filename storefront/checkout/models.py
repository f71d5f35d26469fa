"""Requests to check out, so that a repeated one makes nothing twice; and rates."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storefront.extensions import JSON_OR_NULL, TIMESTAMP, db
from storefront.orders.models import Order


class CheckoutRequest(db.Model):  # type: ignore[name-defined,misc]
    """One client key with the order it made.

    `claimed_until`: whoever works on it now; past that moment it may be taken over.
    `answer`: what the client got, once there is something final to give.
    """

    __tablename__ = "checkout_requests"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    claimed_until: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON_OR_NULL)
    created_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.now(), index=True
    )

    order: Mapped[Order] = relationship()


class RateCounter(db.Model):  # type: ignore[name-defined,misc]
    """How often something happened within a window, over all workers."""

    __tablename__ = "rate_counters"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    hits: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP, index=True)


class Reconciliation(db.Model):  # type: ignore[name-defined,misc]
    """How far a walk through Stripe's books has come, so that a dead one is resumed.

    `step`: which listing; `after`: where its next page begins, null at its start.
    """

    __tablename__ = "reconciliations"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime] = mapped_column(TIMESTAMP)
    until: Mapped[datetime] = mapped_column(TIMESTAMP)
    step: Mapped[int] = mapped_column(server_default="0")
    after: Mapped[str | None] = mapped_column(Text)
    repaired: Mapped[int] = mapped_column(server_default="0")
    finished_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
