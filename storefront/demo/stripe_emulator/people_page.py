"""The desk for people: what the account holds, and a button for each thing to try."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from . import deeds, disputes, events, sessions
from .cards import INQUIRY
from .currencies import decimals
from .errors import ApiError, resource_missing
from .machine import let_time_pass, machine
from .state import JsonObject, State

people_page = Blueprint("people", __name__)
# The page shows the newest; `GET /_control/ledger` has the rest.
SESSIONS_SHOWN = 30
EVENTS_SHOWN = 60


@people_page.after_request
def deliver(response: Response) -> Response:
    """Send what happened once the answer has gone out."""
    return machine().deliver_after(response)


@people_page.get("/")
def desk() -> str:
    """Show the account."""
    return _desk()


@people_page.post("/people/sessions/<key>/pay")
def pay(key: str) -> AnyResponse:
    """Bring a session to the outcome of the button."""
    outcome = request.form.get("outcome", "")
    return _do(lambda state: deeds.play(state, key, outcome, {}))


@people_page.post("/people/sessions/<key>/expire")
def expire(key: str) -> AnyResponse:
    """Expire a session."""
    return _do(lambda state: sessions.expire(state, key))


@people_page.post("/people/charges/<key>/refund")
def refund(key: str) -> AnyResponse:
    """Refund a charge: the amount typed, or all that is left."""
    typed = request.form.get("amount", "").strip()

    def give_back(state: State) -> JsonObject:
        charge = state.find("charges", key)
        if charge is None:
            raise resource_missing("charge", key)
        amount = read_amount(typed, charge["currency"]) if typed else None
        return deeds.refund(state, key, amount)

    return _do(give_back)


@people_page.post("/people/charges/<key>/dispute")
def dispute(key: str) -> AnyResponse:
    """Dispute a charge, or inquire about it."""
    inquiry = request.form.get("as") == INQUIRY
    return _do(lambda state: deeds.dispute(state, key, inquiry=inquiry))


@people_page.post("/people/disputes/<key>/close")
def close_dispute(key: str) -> AnyResponse:
    """End a dispute with the outcome of the button."""
    outcome = request.form.get("outcome", "")
    return _do(lambda state: disputes.close(state, key, outcome))


@people_page.post("/people/events/<key>/resend")
def resend(key: str) -> AnyResponse:
    """Deliver an event once more."""

    def send(state: State) -> Any:
        event = state.find("events", key)
        if event is None:
            raise resource_missing("event", key)
        return events.resend(state, event)

    return _do(send)


@people_page.post("/people/clock")
def advance() -> AnyResponse:
    """Move the clock ahead."""
    seconds = request.form.get("seconds", default=0, type=int)
    return _do(lambda state: deeds.advance(state, seconds))


def moment(seconds: int) -> str:
    """Write a moment the way people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_amount(typed: str, currency: str) -> int:
    """Read an amount written with its decimals, in minor units of the currency.

    :raises ApiError: it is no amount (400)
    """
    places = decimals(currency)
    whole, _, rest = typed.replace(",", ".").partition(".")
    digits = whole + rest
    if not (digits.isascii() and digits.isdecimal()) or len(rest) > places:
        raise ApiError(f"{typed!r} is no amount.")
    return int(digits + "0" * (places - len(rest)))


def _do(deed: Callable[[State], Any]) -> AnyResponse:
    state = machine().state
    try:
        with state.lock:
            deed(state)
    except ApiError as error:
        return Response(_desk(str(error)), 409)
    return redirect(url_for("people.desk"), 303)


def _desk(trouble: str = "") -> str:
    state = machine().state
    with state.lock:
        let_time_pass(state)
        newest = state.rows("sessions")[::-1][:SESSIONS_SHOWN]
        return render_template(
            "stripe_emulator/desk.html",
            trouble=trouble,
            now=state.now(),
            endpoints=list(state.endpoints.values()),
            sessions=[_told(state, session) for session in newest],
            events=[
                (event, _deliveries(state, event))
                for event in state.rows("events")[::-1][:EVENTS_SHOWN]
            ],
        )


def _told(state: State, session: JsonObject) -> JsonObject:
    """Give a session with what hangs on it."""
    intent = state.find("payment_intents", session["payment_intent"] or "")
    charge = state.find("charges", intent["latest_charge"] or "") if intent else None
    lines = sessions.lines_of(state, session)
    charge_id = charge["id"] if charge else ""
    disputed = state.tables["disputes"].having("charge", charge_id)
    has_money = charge is not None and charge["status"] == "succeeded"
    is_open = any(dispute["status"] in disputes.ENDS for dispute in disputed)
    return {
        "session": session,
        "lines": lines,
        "charge": charge,
        "refunds": state.tables["refunds"].having("charge", charge_id),
        "disputes": [(row, disputes.ENDS.get(row["status"], ())) for row in disputed],
        "is_running": intent is not None and intent["status"] == "processing",
        "is_refundable": charge and has_money and not charge["refunded"],
        "is_disputable": has_money and not is_open,
    }


def _deliveries(state: State, event: JsonObject) -> list[JsonObject]:
    return state.tables["deliveries"].having("event", event["id"])
