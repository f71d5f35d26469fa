"""Letters to send: rows written with the change that calls for them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from storefront.extensions import TIMESTAMP, db, stored_enum


class LetterKind(StrEnum):
    """What a letter says; each has three templates of that name."""

    RECEIPT = "receipt"
    NEW_ORDER = "new_order"
    REFUND = "refund"
    PAYMENT_FAILED = "payment_failed"
    ATTENTION = "attention"
    ORDERS_FOUND = "orders_found"
    RECEIPT_AGAIN = "receipt_again"
    WITHDRAWAL = "withdrawal"


class Letter(db.Model):  # type: ignore[name-defined,misc]
    """One letter, sent once; its id makes the Message-ID, whatever happens."""

    __tablename__ = "letters"
    __table_args__ = (
        # One of a kind for each cause: an order, an attempt, a refund, a matter,
        # a request. A receipt asked for again is a kind of its own: of the first one
        # there is never a second.
        db.UniqueConstraint("kind", "cause"),
        Index(
            "ix_letters_due",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND parked_at IS NULL"),
        ),
        Index("ix_letters_order_id", "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[LetterKind] = mapped_column(stored_enum(LetterKind, "letter_kind"))
    cause: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    recipient: Mapped[str] = mapped_column(Text)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    parked_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
