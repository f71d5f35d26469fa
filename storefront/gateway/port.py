"""What the shop knows of Stripe: small frozen facts, in our units and spelling."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

Thing = TypeVar("Thing")


class SessionOutcome(StrEnum):
    """How far a Checkout Session has come.

    Stripe: `status` and `payment_status` together, and for a delayed payment that
    failed the PaymentIntent's status ("Fulfill orders", read 2026-11).
    """

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Mark:
    """Our own mark, carried by metadata: whose order, which attempt.

    `number` and `items` are enough to write a lost order down again; `items` reads
    "product*quantity*unit_amount", by spaces.
    """

    shop: str
    order_id: UUID
    attempt_id: UUID | None
    number: str | None
    items: str | None


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A Checkout Session as Stripe told of it. Amounts: minor units, ISO 4217."""

    id: str
    outcome: SessionOutcome
    url: str | None
    amount: int
    amount_discounted: int
    currency: str
    payment_intent_id: str | None
    client_reference_id: str | None
    mark: Mark | None
    livemode: bool
    shipping: dict[str, Any] | None
    created: int
    email: str | None
    customer_name: str | None
    success_url: str | None


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """A PaymentIntent that succeeded. Amount: minor units, ISO 4217."""

    id: str
    amount: int
    currency: str
    mark: Mark | None
    livemode: bool
    shipping: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Thing]):
    """Some of a listing, newest first. `after`: where the next page goes on."""

    things: list[Thing]
    after: str | None


@dataclass(frozen=True, slots=True)
class ChargeRefunded:
    """A hint that some refund of this payment has moved."""

    payment_intent_id: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class DisputeSeen:
    """One dispute. Amount: minor units, ISO 4217; `state` in Stripe's words."""

    id: str
    payment_intent_id: str
    state: str
    amount: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """One refund. Amount: minor units, ISO 4217; `state` in Stripe's words."""

    id: str
    payment_intent_id: str
    state: str
    amount: int
    currency: str
