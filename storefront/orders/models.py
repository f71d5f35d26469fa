"""Orders with their history, and the facts that their status is derived from."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from storefront.extensions import JSON_OR_NULL, TIMESTAMP, db, stored_enum
from storefront.texts.models import Consent


class OrderStatus(StrEnum):
    """Where an order stands; derived from facts by orders/status.py."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    CANCELED = "canceled"


class OrderEventType(StrEnum):
    """What happened to an order's money or status."""

    CREATED = "created"
    PAID = "paid"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELED = "canceled"


class AttemptState(StrEnum):
    """The furthest that is known of one Checkout Session, in ascending order.

    `prepared`: its parameters are stored, Stripe's answer is not. `disagrees`: paid,
    but not what was asked for.
    """

    PREPARED = "prepared"
    OPEN = "open"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    DISAGREES = "disagrees"
    PAID = "paid"


class RefundState(StrEnum):
    """The furthest that is known of one refund, in ascending order.

    Stripe: a refund may still fail after it succeeded (API docs "Refunds", 2026-11).
    """

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"


class DisputeState(StrEnum):
    """The furthest that is known of one dispute, in ascending order.

    Stripe: an inquiry is a `warning_…`, and may become a dispute (API docs "Disputes",
    read 2026-11).
    """

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class Provider(StrEnum):
    """Who takes the money."""

    STRIPE = "stripe"


class Order(db.Model):  # type: ignore[name-defined,misc]
    """One sale. Amounts: minor units of `currency`."""

    __tablename__ = "orders"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way
    __table_args__ = (
        CheckConstraint("total_amount > 0", name="total_above_zero"),
        CheckConstraint(
            "amount_refunded BETWEEN 0 AND total_amount", name="refunded_within_total"
        ),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_upper_case"),
        CheckConstraint(
            "(status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)",
            name="paid_at_when_paid",
        ),
        CheckConstraint(
            "consent ?& ARRAY['kind', 'version', 'language', 'text']",
            name="consent_is_whole",
        ),
        # What the expiry looks for: few rows, however many orders there are.
        Index(
            "ix_orders_pending_deadline",
            "expires_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_orders_created_at", "created_at"),
        Index("ix_orders_customer_email", text("lower(customer_email)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    page_token: Mapped[str] = mapped_column(Text, unique=True)
    status: Mapped[OrderStatus] = mapped_column(
        stored_enum(OrderStatus, "order_status")
    )
    line_items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    currency: Mapped[str] = mapped_column(db.String(3))
    total_amount: Mapped[int]
    amount_refunded: Mapped[int] = mapped_column(server_default="0")
    customer_email: Mapped[str] = mapped_column(Text)
    customer_name: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    # Null: nothing had to be agreed to, or a program did not ask.
    consent: Mapped[Consent | None] = mapped_column(JSON_OR_NULL)
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSON_OR_NULL)
    provider: Mapped[Provider] = mapped_column(
        stored_enum(Provider, "payment_provider")
    )
    provider_session_id: Mapped[str | None] = mapped_column(Text, unique=True)
    provider_payment_intent_id: Mapped[str | None] = mapped_column(Text, unique=True)
    # Null while a bank is at work on a delayed payment: then nothing is given up.
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    paid_at: Mapped[datetime | None] = mapped_column(TIMESTAMP, index=True)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.now(), onupdate=func.now()
    )

    attempts: Mapped[list["CheckoutAttempt"]] = relationship(
        order_by="CheckoutAttempt.position", back_populates="order"
    )
    events: Mapped[list["OrderEvent"]] = relationship(
        order_by="OrderEvent.sequence", back_populates="order"
    )


class OrderEvent(db.Model):  # type: ignore[name-defined,misc]
    """One change of an order's money or status. Append-only."""

    __tablename__ = "order_events"
    __table_args__ = (
        Index("ix_order_events_order_id", "order_id", "sequence"),
        # Whatever arrives twice, and whoever arrives first: paid is told once.
        Index(
            "uq_order_events_one_paid",
            "order_id",
            unique=True,
            postgresql_where=text("event_type = 'paid'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    sequence: Mapped[int] = mapped_column(db.BigInteger, db.Identity(always=True))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    event_type: Mapped[OrderEventType] = mapped_column(
        stored_enum(OrderEventType, "order_event_type")
    )
    event_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.clock_timestamp()
    )

    order: Mapped[Order] = relationship(back_populates="events")


class CheckoutAttempt(db.Model):  # type: ignore[name-defined,misc]
    """One try at paying an order: one Checkout Session, known or still to be made.

    `parameters` and `idempotency_key` are what Stripe is asked with, however often.
    """

    __tablename__ = "checkout_attempts"
    __table_args__ = (
        db.UniqueConstraint("order_id", "position"),
        Index(
            "uq_checkout_attempts_one_open",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('prepared', 'open', 'processing')"),
        ),
        # What reconciliation asks Stripe about.
        Index(
            "ix_checkout_attempts_to_ask",
            "asked_at",
            postgresql_where=text("state IN ('prepared', 'open', 'processing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    state: Mapped[AttemptState] = mapped_column(
        stored_enum(AttemptState, "checkout_attempt_state")
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    idempotency_key: Mapped[str] = mapped_column(Text, unique=True)
    provider_session_id: Mapped[str | None] = mapped_column(Text, unique=True)
    provider_payment_intent_id: Mapped[str | None] = mapped_column(Text, unique=True)
    # Its key has got an answer that is of no use, and would get it again.
    is_spoiled: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
    # When Stripe was last asked about it; a throttle shared by all processes.
    asked_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())

    order: Mapped[Order] = relationship(back_populates="attempts")


class Refund(db.Model):  # type: ignore[name-defined,misc]
    """One refund at Stripe, found by its payment; it may be known before that is.

    `counted_amount`: what of it the order's `amount_refunded` holds at present.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        Index("ix_refunds_provider_payment_intent_id", "provider_payment_intent_id"),
    )

    provider_refund_id: Mapped[str] = mapped_column(Text, primary_key=True)
    provider_payment_intent_id: Mapped[str] = mapped_column(Text)
    state: Mapped[RefundState] = mapped_column(stored_enum(RefundState, "refund_state"))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(db.String(3))
    counted_amount: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())


class Dispute(db.Model):  # type: ignore[name-defined,misc]
    """One dispute at Stripe, found by its payment; it may be known before that is."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index("ix_disputes_provider_payment_intent_id", "provider_payment_intent_id"),
    )

    provider_dispute_id: Mapped[str] = mapped_column(Text, primary_key=True)
    provider_payment_intent_id: Mapped[str] = mapped_column(Text)
    state: Mapped[DisputeState] = mapped_column(
        stored_enum(DisputeState, "dispute_state")
    )
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(db.String(3))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())


class RefundReading(db.Model):  # type: ignore[name-defined,misc]
    """A payment whose refunds have to be read from Stripe, soon.

    `charge.refunded` carries only a sum, and sums may arrive in any order; the refunds
    themselves are the facts (contract of the order tables).
    """

    __tablename__ = "refund_readings"

    provider_payment_intent_id: Mapped[str] = mapped_column(Text, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.now(), index=True
    )
    tries: Mapped[int] = mapped_column(server_default="0")


class Matter(db.Model):  # type: ignore[name-defined,misc]
    """Something about money that the owner has to look at, told once."""

    __tablename__ = "matters"
    __table_args__ = (
        db.UniqueConstraint("reason", "subject"),
        Index("ix_matters_order_id", "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    reason: Mapped[str] = mapped_column(Text)
    # Stripe's id of what it is about; with the reason, it makes the matter unique.
    subject: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
    settled_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
