"""From Stripe's objects, as plain JSON, to what the shop knows of them.

Deliveries come in the API version of the endpoint, not of the SDK: every member may be
missing or of another type, and then the whole object is unusable, never half-read.
"""

from typing import Any
from uuid import UUID

from storefront.gateway.amounts import LARGEST_HERE, from_wire
from storefront.gateway.errors import AmountNotPayable, BodyUnusable
from storefront.gateway.port import (
    ChargeRefunded,
    DisputeSeen,
    Mark,
    PaymentSeen,
    RefundSeen,
    SessionOutcome,
    SessionSeen,
)
from storefront.money import is_currency

Json = dict[str, Any]
LONGEST_ID = 255
MARK, ORDER, ATTEMPT = "storefront", "order_id", "attempt_id"
NUMBER, ITEMS = "order_number", "items"


def read_session(session: Json, *, failed: bool = False) -> SessionSeen:
    """Read a Checkout Session.

    :param failed: the event said that its delayed payment failed.
    :raises BodyUnusable: if a member that counts is missing or of the wrong type.
    """
    currency = _currency(session)
    return SessionSeen(
        id=_text(session, "id"),
        outcome=SessionOutcome.FAILED if failed else _outcome(session),
        url=_text_or_none(session, "url"),
        amount=_from_wire(_amount(session, "amount_total"), currency),
        amount_discounted=_from_wire(_discount(session), currency),
        currency=currency,
        payment_intent_id=_id(session, "payment_intent"),
        client_reference_id=_text_or_none(session, "client_reference_id"),
        mark=read_mark(session),
        livemode=session.get("livemode") is True,
        shipping=_shipping(session),
        created=_whole(session, "created"),
        email=_customer(session, "email") or _text_or_none(session, "customer_email"),
        customer_name=_customer(session, "name"),
        success_url=_text_or_none(session, "success_url"),
    )


def read_payment(intent: Json) -> PaymentSeen:
    """Read a PaymentIntent that succeeded.

    :raises BodyUnusable: as read_session.
    """
    currency = _currency(intent)
    return PaymentSeen(
        id=_text(intent, "id"),
        amount=_from_wire(_amount(intent, "amount_received"), currency),
        currency=currency,
        mark=read_mark(intent),
        livemode=intent.get("livemode") is True,
        shipping=_address(intent.get("shipping")),
    )


def read_charge(charge: Json) -> PaymentSeen | None:
    """Read the payment that a charge has collected; None if it has collected none.

    Stripe copies the PaymentIntent's metadata to the charge it makes.

    :raises BodyUnusable: as read_session.
    """
    payment_intent_id = _id(charge, "payment_intent")
    if payment_intent_id is None or charge.get("status") != "succeeded":
        return None
    currency = _currency(charge)
    return PaymentSeen(
        id=payment_intent_id,
        amount=_from_wire(_amount(charge, "amount_captured"), currency),
        currency=currency,
        mark=read_mark(charge),
        livemode=charge.get("livemode") is True,
        shipping=_address(charge.get("shipping")),
    )


def read_refunded_charge(charge: Json) -> ChargeRefunded | None:
    """Read which payment's refunds moved; None for a charge without PaymentIntent."""
    payment_intent_id = _id(charge, "payment_intent")
    if payment_intent_id is None:
        return None
    return ChargeRefunded(payment_intent_id, read_mark(charge))


def read_refund(refund: Json) -> RefundSeen | None:
    """Read a refund; None where no PaymentIntent was refunded, thus nothing of ours.

    :raises BodyUnusable: as read_session.
    """
    payment_intent_id = _id(refund, "payment_intent")
    if payment_intent_id is None:
        return None
    currency = _currency(refund)
    return RefundSeen(
        id=_text(refund, "id"),
        payment_intent_id=payment_intent_id,
        state=_text(refund, "status"),
        amount=_from_wire(_amount(refund, "amount"), currency),
        currency=currency,
    )


def read_dispute(dispute: Json) -> DisputeSeen | None:
    """Read a dispute; None where it is about no PaymentIntent, thus nothing of ours.

    :raises BodyUnusable: as read_session.
    """
    payment_intent_id = _id(dispute, "payment_intent")
    if payment_intent_id is None:
        return None
    currency = _currency(dispute)
    return DisputeSeen(
        id=_text(dispute, "id"),
        payment_intent_id=payment_intent_id,
        state=_text(dispute, "status"),
        amount=_from_wire(_amount(dispute, "amount"), currency),
        currency=currency,
        reason=_text_or_none(dispute, "reason") or "general",
    )


def read_mark(thing: Json) -> Mark | None:
    """Read our mark from an object's metadata; None if it is not ours."""
    metadata = thing.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(MARK), str):
        return None
    order_id = _uuid(metadata.get(ORDER))
    if order_id is None:
        return None
    return Mark(
        metadata[MARK],
        order_id,
        _uuid(metadata.get(ATTEMPT)),
        _text_or_none(metadata, NUMBER),
        _text_or_none(metadata, ITEMS),
    )


def _outcome(session: Json) -> SessionOutcome:
    status, payment = session.get("status"), session.get("payment_status")
    if status == "complete":
        if payment in ("paid", "no_payment_required"):
            return SessionOutcome.PAID
        return (
            SessionOutcome.FAILED
            if _gave_up(session.get("payment_intent"))
            else SessionOutcome.PROCESSING
        )
    if status in ("open", "expired"):
        return SessionOutcome(status)
    raise BodyUnusable("A Checkout Session without a status that we know.")


def _gave_up(intent: Any) -> bool:
    """Tell whether an expanded PaymentIntent says that its delayed payment failed."""
    return isinstance(intent, dict) and intent.get("status") in (
        "requires_payment_method",
        "canceled",
    )


def _discount(session: Json) -> int:
    details = session.get("total_details")
    discount = details.get("amount_discount") if isinstance(details, dict) else None
    return discount if isinstance(discount, int) else 0


def _shipping(session: Json) -> Json | None:
    """Read where to send it to; an older API has it on the Session itself.

    Stripe: `collected_information` since 2025-03-31 (SDK 16 types, read 2026-11).
    """
    collected = session.get("collected_information")
    details = collected.get("shipping_details") if isinstance(collected, dict) else None
    return _address(details or session.get("shipping_details"))


def _address(details: Any) -> Json | None:
    """Read whom and where to send it to; Checkout tells of it with the payment too."""
    if not isinstance(details, dict) or not isinstance(details.get("address"), dict):
        return None
    return {"name": details.get("name"), **details["address"]}


def is_identifier(value: Any) -> bool:
    """Tell whether this can be an id or a code of Stripe's, and a key in Postgres."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_ID
        and value.isascii()
        and value.isprintable()
    )


def _customer(session: Json, name: str) -> str | None:
    details = session.get("customer_details")
    return _text_or_none(details, name) if isinstance(details, dict) else None


def _whole(thing: Json, name: str) -> int:
    value = thing.get(name)
    return value if type(value) is int else 0


def _from_wire(amount: int, currency: str) -> int:
    try:
        minor = from_wire(amount, currency)
    except AmountNotPayable as error:
        raise BodyUnusable(str(error)) from error
    if minor > LARGEST_HERE:
        raise BodyUnusable("An amount is larger than anything we sell.")
    return minor


def _text(thing: Json, name: str) -> str:
    value = thing.get(name)
    if not is_identifier(value):
        raise BodyUnusable(f"{name} is missing.")
    return str(value)


def _text_or_none(thing: Json, name: str) -> str | None:
    value = thing.get(name)
    return value if isinstance(value, str) and value else None


def _id(thing: Json, name: str) -> str | None:
    """Give the id of a member that may be expanded."""
    value = thing.get(name)
    if isinstance(value, dict):
        value = value.get("id")
    return value if is_identifier(value) else None


def _amount(thing: Json, name: str) -> int:
    value = thing.get(name)
    if type(value) is not int or not 0 <= value <= LARGEST_HERE:
        raise BodyUnusable(f"{name} is no amount.")
    return value


def _currency(thing: Json) -> str:
    code = _text(thing, "currency").upper()
    if not is_currency(code):
        raise BodyUnusable("currency is none that we know.")
    return code


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
