"""What is kept of handing out and of taking back: when a file first went out, and
statements of withdrawal.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storefront.extensions import TIMESTAMP, db

# Directive 2011/83/EU, articles 13(1) and 14(1): both sides have fourteen days, from
# the day of the statement.
GIVE_BACK_WITHIN = timedelta(days=14)


class Delivery(db.Model):  # type: ignore[name-defined,misc]
    """When somebody first fetched a file that they had wanted at once. Append-only."""

    __tablename__ = "deliveries"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[str] = mapped_column(Text, primary_key=True)
    begun_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.clock_timestamp()
    )


class Withdrawal(db.Model):  # type: ignore[name-defined,misc]
    """The statement that a customer withdraws: one an order, as it was sent.

    Append-only. It moves neither money nor status: the studio pays back at Stripe.
    `email`: where the confirmation goes. `line_items`: what it covers.
    """

    __tablename__ = "withdrawals"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    line_items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    stated_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.clock_timestamp()
    )

    @property
    def give_back_by(self) -> datetime:
        """Until when the money, and what was posted, have to be on their way back."""
        return self.stated_at + GIVE_BACK_WITHIN

    def covers(self, product_id: str) -> bool:
        """Tell whether it is about this product."""
        return product_id in {line["service_id"] for line in self.line_items}

    def has_posted(self) -> bool:
        """Tell whether it is about something that came by post."""
        return any(line["is_posted"] for line in self.line_items)
