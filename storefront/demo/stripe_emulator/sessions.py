"""Checkout Sessions: made, found, changed, expired. Paying them is `payments`'."""

import re
from typing import Any
from urllib.parse import urlsplit

from . import line_items
from .errors import (
    ApiError,
    not_emulated,
    parameter_invalid,
    parameter_missing,
    resource_missing,
)
from .events import emit
from .shapes import blank
from .state import JsonObject, State

# Stripe: expires_at, 30 minutes to 24 hours from now, by default 24 hours. A clock
# may be off by a little, so a few seconds are let pass at both ends.
SHORTEST_LIFE = 30 * 60
LONGEST_LIFE = 24 * 3600
LENIENCE = 10
MAIL_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
# The delayed method offered beside cards. Stripe has one for some currencies only;
# elsewhere the emulator offers a debit all the same, so that it can be tried.
DEBITS = {
    "usd": "us_bank_account",
    "gbp": "bacs_debit",
    "cad": "acss_debit",
    "aud": "au_becs_debit",
}
USUAL_DEBIT = "sepa_debit"
# Members that Stripe gives back as they were sent.
ECHOED = (
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "locale",
    "origin_context",
    "shipping_address_collection",
    "submit_type",
    "success_url",
)
CUSTOM_TEXTS = (
    "after_submit",
    "shipping_address",
    "submit",
    "terms_of_service_acceptance",
)


def create(state: State, params: dict[str, Any]) -> JsonObject:
    """Make an open session and keep its lines behind it.

    :raises ApiError: the parameters do not go together (400)
    """
    _check(params)
    lines, currency = line_items.read_lines(state, params)
    amount = line_items.total(lines)
    key = state.ids.make("cs_test_")
    session = {
        **blank_session(),
        **{name: params[name] for name in ECHOED if name in params},
        "id": key,
        "amount_subtotal": amount,
        "amount_total": amount,
        "created": state.now(),
        "currency": currency,
        "custom_text": _custom_text(params),
        "expires_at": _expires_at(state, params),
        "metadata": without_empty(params.get("metadata", {})),
        "payment_method_types": _offered_methods(params, currency),
        "payment_status": "unpaid" if amount else "no_payment_required",
        "status": "open",
        "url": page_url(state, key),
    }
    intent_data = params.get("payment_intent_data", {})
    state.note(key, line_items=lines, payment_intent_data=intent_data)
    return state.put("sessions", session)


def get(state: State, key: str) -> JsonObject:
    """Give the session.

    :raises ApiError: there is none (404)
    """
    session = state.find("sessions", key)
    if session is None:
        raise resource_missing("checkout.session", key, param="session")
    return session


def lines_of(state: State, session: JsonObject) -> list[JsonObject]:
    """Give the session's lines."""
    return list(state.noted(session["id"])["line_items"])


def page_url(state: State, key: str) -> str:
    """Give the address of a session's payment page."""
    return f"{state.origin}/c/pay/{key}"


def update(state: State, key: str, params: dict[str, Any]) -> JsonObject:
    """Change a session's metadata; an empty value takes a name away."""
    session = get(state, key)
    merged = {**session["metadata"], **params.get("metadata", {})}
    state.change("sessions", session, metadata=without_empty(merged))
    return session


def expire(state: State, key: str) -> JsonObject:
    """Close an open session for good.

    :raises ApiError: it is not open (400)
    """
    session = get(state, key)
    if session["status"] != "open":
        message = "Only Checkout Sessions with a status in"
        message += ' ["open"] can be expired. This Checkout Session has a status of'
        raise ApiError(f"{message} `{session['status']}`.")
    state.change("sessions", session, status="expired", url=None)
    _cancel_intent(state, session)
    emit(state, "checkout.session.expired", session)
    return session


def expire_overdue(state: State) -> None:
    """Close the open sessions whose time is over."""
    for session in state.rows("sessions"):
        if session["status"] == "open" and session["expires_at"] <= state.now():
            expire(state, session["id"])


def move_pages(state: State) -> None:
    """Point open sessions of an earlier run at this one's address."""
    for session in state.rows("sessions"):
        if session["status"] == "open":
            state.change("sessions", session, url=page_url(state, session["id"]))


def without_empty(metadata: dict[str, str]) -> dict[str, str]:
    """Leave out the names whose value is empty."""
    return {name: value for name, value in metadata.items() if value}


def blank_session() -> JsonObject:
    """Give a session's members that are the same for all."""
    switched_off = {"enabled": False}
    return {
        **blank("checkout.session"),
        "adaptive_pricing": switched_off,
        "automatic_tax": {
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "custom_fields": [],
        "customer_creation": "if_required",
        "livemode": False,
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "phone_number_collection": switched_off,
        "shipping_options": [],
        "total_details": {
            "amount_discount": 0,
            "amount_shipping": 0,
            "amount_tax": 0,
            "breakdown": None,
        },
        "ui_mode": "hosted_page",
    }


def _check(params: dict[str, Any]) -> None:
    for name in ("mode", "success_url"):
        if name not in params:
            raise parameter_missing(name)
    for name in ("success_url", "cancel_url"):
        if name in params and not _is_url(params[name]):
            raise parameter_invalid("Not a valid URL", name, "url_invalid")
    email = params.get("customer_email")
    if email is not None and not MAIL_ADDRESS.fullmatch(email):
        message = f"Invalid email address: {email}"
        raise parameter_invalid(message, "customer_email", "email_invalid")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _custom_text(params: dict[str, Any]) -> JsonObject:
    given = params.get("custom_text", {})
    return {name: given.get(name) for name in CUSTOM_TEXTS}


def _expires_at(state: State, params: dict[str, Any]) -> int:
    now = state.now()
    at = params.get("expires_at", now + LONGEST_LIFE)
    if at < now + SHORTEST_LIFE - LENIENCE:
        message = "The `expires_at` timestamp must be at least 30 minutes from"
        raise parameter_invalid(f"{message} Checkout Session creation.", "expires_at")
    if at > now + LONGEST_LIFE + LENIENCE:
        message = "The `expires_at` timestamp must be less than 24 hours from"
        raise parameter_invalid(f"{message} Checkout Session creation.", "expires_at")
    return int(at)


def _offered_methods(params: dict[str, Any], currency: str) -> list[str]:
    known = ["card", DEBITS.get(currency, USUAL_DEBIT)]
    allowed = params.get("allowed_payment_method_types", known)
    excluded = params.get("excluded_payment_method_types", [])
    offered = [word for word in known if word in allowed and word not in excluded]
    if not offered:
        what = f"methods other than {' and '.join(known)} for {currency}"
        raise not_emulated(what, "allowed_payment_method_types")
    return offered


def _cancel_intent(state: State, session: JsonObject) -> None:
    """Clean up the PaymentIntent that a declined attempt left behind."""
    if session["payment_intent"] is None:
        return
    intent = state.tables["payment_intents"][session["payment_intent"]]
    state.change(
        "payment_intents",
        intent,
        status="canceled",
        canceled_at=state.now(),
        cancellation_reason="expired",
        next_action=None,
    )
    emit(state, "payment_intent.canceled", intent)
