"""What one attempt to pay leaves behind: the PaymentIntent and its charge, as objects.

When they are made and what becomes of them is `payments`' business.
"""

from dataclasses import dataclass
from typing import Any

from .cards import Decline, Method
from .sessions import without_empty
from .shapes import address, blank
from .state import JsonObject, State

# Members of `payment_intent_data` that the PaymentIntent takes over.
INTENT_MEMBERS = (
    "capture_method",
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


@dataclass(frozen=True)
class Payer:
    """What the customer typed on the payment page besides the card."""

    email: str
    name: str
    shipping: JsonObject | None = None


def new_intent(state: State, session: JsonObject) -> JsonObject:
    """Make the PaymentIntent of a session, waiting for a way to pay."""
    key = state.ids.make("pi_")
    given: dict[str, Any] = state.noted(session["id"])["payment_intent_data"]
    intent = {
        **blank("payment_intent"),
        "capture_method": "automatic_async",
        **{name: given[name] for name in INTENT_MEMBERS if name in given},
        "id": key,
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "client_secret": f"{key}{state.ids.make('_secret_')}",
        "confirmation_method": "automatic",
        "created": state.now(),
        "currency": session["currency"],
        "livemode": False,
        "metadata": without_empty(given.get("metadata", {})),
        "payment_method_options": {},
        "payment_method_types": session["payment_method_types"],
        "status": "requires_payment_method",
    }
    return state.put("payment_intents", intent)


def new_charge(
    state: State, intent: JsonObject, method: Method, payer: Payer, status: str
) -> JsonObject:
    """Make the charge of one attempt and hang it on the PaymentIntent."""
    succeeded = status == "succeeded"
    charge = {
        **blank("charge"),
        "id": state.ids.make("ch_" if method.kind == "card" else "py_"),
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if succeeded else 0,
        "amount_refunded": 0,
        "billing_details": _billing_details(payer),
        "captured": succeeded,
        "created": state.now(),
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": outcome(method.decline),
        "paid": succeeded,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": method.details(),
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "status": status,
    }
    state.note(
        charge["id"],
        refund_turns=method.refund_turns,
        disputed_as=method.disputed_as,
    )
    state.put("charges", charge)
    state.change("payment_intents", intent, latest_charge=charge["id"])
    return charge


def outcome(decline: Decline | None) -> JsonObject:
    """Give a charge's `outcome`."""
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": decline.message if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def shipping_of(payer: Payer) -> JsonObject | None:
    """Give the address to ship to as a PaymentIntent and a charge hold it."""
    if payer.shipping is None:
        return None
    return {**payer.shipping, "carrier": None, "phone": None, "tracking_number": None}


def _billing_details(payer: Payer) -> JsonObject:
    known = {"email": payer.email, "name": payer.name}
    return {"address": address(), **known, "phone": None, "tax_id": None}
