"""What a Checkout Session is asked for with, made once per attempt and stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storefront.gateway.amounts import to_wire
from storefront.gateway.reading import ATTEMPT, ITEMS, MARK, NUMBER, ORDER

# Stripe: product_data.name holds 5000 characters, but the payment page shows few.
LONGEST_NAME = 250
# Stripe: Checkout's languages (SDK 16.1.0, _session_create_params.py).
LOCALES = frozenset(
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt "
    "lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW".split()
)
# Stripe: a metadata value holds 500 characters; longer lists are cut, and then an
# order that was lost is listed for the owner instead of being written down again.
LONGEST_VALUE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line to pay. Amount: minor units, ISO 4217."""

    product_id: str
    name: str
    unit_amount: int
    quantity: int


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """An order as the payment page needs it."""

    shop: str
    order_id: UUID
    number: str
    attempt_id: UUID
    lines: Sequence[Line]
    currency: str
    email: str
    locale: str
    order_url: str
    expires_at: datetime
    shipping_countries: Sequence[str]


def session_parameters(request: SessionRequest) -> dict[str, Any]:
    """Make the parameters of the call, as plain JSON.

    Metadata does not flow from the Session to the PaymentIntent: both get the mark.
    Nothing personal is in it. No payment method types: Stripe offers what fits, also
    delayed ones ("remove-payment-method-types", API 2026-09-30).

    :raises AmountNotPayable: if Stripe cannot express an amount.
    """
    mark = {
        MARK: request.shop[:LONGEST_VALUE],
        ORDER: str(request.order_id),
        ATTEMPT: str(request.attempt_id),
    }
    items = " ".join(
        f"{line.product_id}*{line.quantity}*{line.unit_amount}"
        for line in request.lines
    )
    lost_and_found = {NUMBER: request.number, ITEMS: items[:LONGEST_VALUE]}
    parameters: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": str(request.order_id),
        "customer_email": request.email,
        "expires_at": int(request.expires_at.timestamp()),
        "line_items": [_line(line, request.currency) for line in request.lines],
        "locale": _locale(request.locale),
        "metadata": {**mark, **lost_and_found},
        "payment_intent_data": {"metadata": mark},
        # Only the words differ: coming back is no proof of payment.
        "success_url": f"{request.order_url}?from=payment",
        "cancel_url": f"{request.order_url}?from=cancel",
    }
    if request.shipping_countries:
        parameters["shipping_address_collection"] = {
            "allowed_countries": list(request.shipping_countries)
        }
    return parameters


def _locale(tag: str) -> str:
    """Give the nearest language of the payment page; else the browser's choice."""
    language = tag.partition("-")[0]
    return next((one for one in (tag, language) if one in LOCALES), "auto")


def _line(line: Line, currency: str) -> dict[str, Any]:
    return {
        "quantity": line.quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": to_wire(line.unit_amount, currency),
            "product_data": {"name": line.name[:LONGEST_NAME]},
        },
    }
