"""What a test or a person may make happen, whichever door it is asked through."""

from typing import Any

from . import disputes, payments, refunds, sessions
from .attempts import Payer
from .cards import DECLINED, Method, bank_debit, find_card
from .errors import ApiError, resource_missing
from .machine import let_time_pass
from .shapes import address
from .state import JsonObject, State

OUTCOMES = ("paid", "declined", "delayed", "delayed_succeeds", "delayed_fails")
SOMEBODY = "ana@example.com"
SOMEBODYS_NAME = "Ana Example"


def play(state: State, key: str, outcome: str, given: dict[str, Any]) -> JsonObject:
    """Bring a session to an outcome; give the session.

    `given` may hold the `email`, `name`, `shipping` and `card` (number) to pay with.

    :raises ApiError: no such outcome or card (400) or session (404), or the session is
        past that (409)
    """
    if outcome not in OUTCOMES:
        raise ApiError(f"An outcome is one of: {', '.join(OUTCOMES)}.")
    let_time_pass(state)
    session = sessions.get(state, key)
    method = _method(session, outcome, given)
    begun = session["status"] == "complete" and session["payment_status"] == "unpaid"
    if not (begun and outcome.startswith("delayed_")):
        payments.pay(state, key, method, payer_of(session, given))
    if outcome.startswith("delayed_"):
        payments.finish_delayed(state, key, succeeds=outcome == "delayed_succeeds")
    return session


def refund(state: State, charge: str, amount: int | None) -> JsonObject:
    """Refund a charge as its owner would at the dashboard: whole, or in part."""
    params: dict[str, Any] = {"charge": charge}
    if amount is not None:
        params["amount"] = amount
    return refunds.create(state, params)


def dispute(state: State, key: str, **given: Any) -> JsonObject:
    """Dispute a charge as the customer's bank would; `given` as of `open_one`.

    :raises ApiError: there is no such charge (404), or it cannot be disputed (400, 409)
    """
    charge = state.find("charges", key)
    if charge is None:
        raise resource_missing("charge", key)
    return disputes.open_one(state, charge, **given)


def advance(state: State, seconds: float) -> int:
    """Move the clock and do what became due; give the emulated time.

    :raises ApiError: time does not run backwards (400)
    """
    if seconds < 0:
        raise ApiError("The clock only goes ahead.")
    state.advance_clock(seconds)
    let_time_pass(state)
    return state.now()


def payer_of(session: JsonObject, given: dict[str, Any]) -> Payer:
    """Give who pays: what was told, and made-up answers to the rest."""
    email = given.get("email") or session["customer_email"] or SOMEBODY
    shipping = given.get("shipping") or _made_up_shipping(session)
    return Payer(email, given.get("name") or SOMEBODYS_NAME, shipping)


def _method(session: JsonObject, outcome: str, given: dict[str, Any]) -> Method:
    if outcome.startswith("delayed"):
        debits = [kind for kind in session["payment_method_types"] if kind != "card"]
        if not debits:
            raise ApiError("This session offers no delayed method.", status=409)
        return bank_debit(debits[0])
    if outcome == "declined":
        return Method(last4="0002", decline=DECLINED)
    card = find_card(given.get("card") or "4242424242424242")
    if card is None:
        raise ApiError("That is no card number.", param="card")
    return card


def _made_up_shipping(session: JsonObject) -> JsonObject | None:
    wanted = session["shipping_address_collection"]
    if not wanted:
        return None
    place = address(
        line1="1 Example Street",
        city="Exampleton",
        postal_code="10000",
        country=wanted["allowed_countries"][0],
    )
    return {"name": SOMEBODYS_NAME, "address": place}
