"""Paying a session: its PaymentIntent, the charges of each attempt, the outcome.

Safe to repeat: a session that is not open takes no second payment.
"""

from . import disputes, sessions
from .attempts import Payer, new_charge, new_intent, outcome, shipping_of
from .balance import book_charge
from .cards import DEBIT_FAILED, INQUIRY, Decline, Method
from .errors import ApiError
from .events import emit
from .shapes import address
from .state import JsonObject, State


class SessionNotOpen(ApiError):
    """The session is complete or expired: nothing can be paid there any more."""

    def __init__(self, session: JsonObject) -> None:
        """Tell the session's status."""
        super().__init__(f"The session is {session['status']}.", status=409)


def pay(state: State, key: str, method: Method, payer: Payer) -> JsonObject:
    """Try to pay an open session; give the session as it is afterwards.

    A free order needs no payment. A declined card leaves the session open; a delayed
    method completes it unpaid.

    :raises SessionNotOpen: it is complete or expired
    """
    session = _open_session(state, key)
    if session["amount_total"] == 0:
        return _complete(state, session, "no_payment_required", payer)
    intent = _intent_for(state, session, payer)
    if method.decline:
        _decline(state, intent, method, payer, method.decline)
    elif method.is_delayed:
        _begin_delayed(state, intent, method, payer)
        _complete(state, session, "unpaid", payer)
    else:
        charge = new_charge(state, intent, method, payer, "succeeded")
        _succeed(state, intent, charge)
        _complete(state, session, "paid", payer)
        _settle_fee(state, charge)
    return session


def ask_authentication(state: State, key: str, payer: Payer) -> None:
    """Begin a payment that the customer's bank wants confirmed (3-D Secure).

    :raises SessionNotOpen: it is complete or expired
    """
    session = _open_session(state, key)
    intent = _intent_for(state, session, payer)
    page = {"return_url": session["url"], "url": f"{session['url']}/authenticate"}
    state.change(
        "payment_intents",
        intent,
        status="requires_action",
        next_action={"type": "redirect_to_url", "redirect_to_url": page},
    )
    emit(state, "payment_intent.requires_action", intent)


def finish_delayed(state: State, key: str, *, succeeds: bool) -> JsonObject:
    """Let a delayed payment arrive, or fail for good; give the session.

    :raises ApiError: no delayed payment of that session is under way (409)
    """
    session = sessions.get(state, key)
    intent = state.find("payment_intents", session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise ApiError("No delayed payment of this session is running.", status=409)
    charge = state.tables["charges"][intent["latest_charge"]]
    if succeeds:
        _arrive(state, session, intent, charge)
    else:
        _fail_delayed(state, session, intent, charge)
    return session


def _open_session(state: State, key: str) -> JsonObject:
    session = sessions.get(state, key)
    if session["status"] != "open":
        raise SessionNotOpen(session)
    return session


def _intent_for(state: State, session: JsonObject, payer: Payer) -> JsonObject:
    """Give the session's one PaymentIntent, made at the first attempt.

    Stripe: deferred PaymentIntent for Checkout Sessions (API 2022-08-01).
    """
    intent = state.find("payment_intents", session["payment_intent"] or "")
    if intent is None:
        intent = new_intent(state, session)
        state.change("sessions", session, payment_intent=intent["id"])
        emit(state, "payment_intent.created", intent)
    state.change(
        "payment_intents",
        intent,
        payment_method=state.ids.make("pm_"),
        shipping=shipping_of(payer),
        next_action=None,
    )
    return intent


def _succeed(state: State, intent: JsonObject, charge: JsonObject) -> None:
    emit(state, "charge.succeeded", charge)
    _dispute(state, charge)
    state.change(
        "payment_intents",
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        last_payment_error=None,
        processing=None,
    )
    emit(state, "payment_intent.succeeded", intent)


def _dispute(state: State, charge: JsonObject) -> None:
    """Let a card that was made for it dispute the charge (docs testing).

    In Stripe's test mode that comes before payment_intent.succeeded.
    """
    fate = state.noted(charge["id"]).get("disputed_as")
    if fate == INQUIRY:
        disputes.open_one(state, charge, inquiry=True)
    elif fate:
        disputes.open_one(state, charge, reason=fate)


def _settle_fee(state: State, charge: JsonObject) -> None:
    """Fill in the fee, which Stripe tells a little later.

    Stripe: asynchronous capture (docs payments/payment-intents/asynchronous-capture).
    """
    entry = book_charge(state, charge)
    before = state.change("charges", charge, balance_transaction=entry["id"])
    emit(state, "charge.updated", charge, before)


def _decline(
    state: State, intent: JsonObject, method: Method, payer: Payer, why: Decline
) -> None:
    charge = new_charge(state, intent, method, payer, "failed")
    _tell_failure(state, intent, charge, why)


def _tell_failure(
    state: State, intent: JsonObject, charge: JsonObject, why: Decline
) -> None:
    state.change(
        "charges",
        charge,
        status="failed",
        failure_code=why.code,
        failure_message=why.message,
        outcome=outcome(why),
    )
    emit(state, "charge.failed", charge)
    error = {"type": "card_error", "code": why.code, "decline_code": why.decline_code}
    state.change(
        "payment_intents",
        intent,
        status="requires_payment_method",
        payment_method=None,
        processing=None,
        last_payment_error={**error, "message": why.message, "charge": charge["id"]},
    )
    emit(state, "payment_intent.payment_failed", intent)


def _begin_delayed(
    state: State, intent: JsonObject, method: Method, payer: Payer
) -> None:
    charge = new_charge(state, intent, method, payer, "pending")
    emit(state, "charge.pending", charge)
    state.change("payment_intents", intent, status="processing")
    emit(state, "payment_intent.processing", intent)


def _arrive(
    state: State, session: JsonObject, intent: JsonObject, charge: JsonObject
) -> None:
    state.change(
        "charges",
        charge,
        status="succeeded",
        paid=True,
        captured=True,
        amount_captured=charge["amount"],
    )
    _succeed(state, intent, charge)
    state.change("sessions", session, payment_status="paid")
    emit(state, "checkout.session.async_payment_succeeded", session)
    _settle_fee(state, charge)


def _fail_delayed(
    state: State, session: JsonObject, intent: JsonObject, charge: JsonObject
) -> None:
    _tell_failure(state, intent, charge, DEBIT_FAILED)
    emit(state, "checkout.session.async_payment_failed", session)


def _complete(
    state: State, session: JsonObject, payment_status: str, payer: Payer
) -> JsonObject:
    shipping = payer.shipping
    state.change(
        "sessions",
        session,
        status="complete",
        payment_status=payment_status,
        url=None,
        collected_information={
            "business_name": None,
            "individual_name": None,
            "shipping_details": shipping,
        },
        customer_details={
            "address": shipping["address"] if shipping else address(),
            "business_name": None,
            "email": payer.email,
            "individual_name": None,
            "name": payer.name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
    )
    emit(state, "checkout.session.completed", session)
    return session
