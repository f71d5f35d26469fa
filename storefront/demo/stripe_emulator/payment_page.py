"""The hosted payment page: plain forms, no scripts, nothing from elsewhere."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from . import payments, sessions
from .cards import NOT_AUTHENTICATED, TEST_CARDS, Method
from .errors import ApiError
from .guard import content_policy
from .machine import let_time_pass, machine
from .payment_form import Entry, read_form
from .payments import SessionNotOpen
from .state import JsonObject, State

payment_page = Blueprint("pay", __name__, url_prefix="/c/pay")
# What Stripe replaces in success_url, braces and all.
PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
DEBIT_NAMES = {
    "sepa_debit": "SEPA bank debit",
    "us_bank_account": "US bank account",
    "bacs_debit": "Bacs bank debit",
    "acss_debit": "Pre-authorised bank debit",
    "au_becs_debit": "BECS bank debit",
}


@payment_page.after_request
def deliver(response: Response) -> Response:
    """Send what happened once the answer has gone out."""
    return machine().deliver_after(response)


@payment_page.errorhandler(SessionNotOpen)
def tell_closed(_error: SessionNotOpen) -> AnyResponse:
    """Say to who comes too late that nothing more can be paid here."""
    state = machine().state
    with state.lock:
        session = sessions.get(state, (request.view_args or {})["key"])
        return _closed(session, 409)


@payment_page.errorhandler(ApiError)
def tell_unknown(_error: ApiError) -> tuple[str, int]:
    """Say that there is no such page."""
    return render_template("stripe_emulator/closed.html", session=None), 404


@payment_page.get("/<key>")
def show(key: str) -> AnyResponse:
    """Show the page."""
    state = machine().state
    with state.lock:
        session = _session_now(state, key)
        if session["status"] != "open":
            return _closed(session)
        return _page(state, session, Entry({"email": session["customer_email"] or ""}))


@payment_page.post("/<key>")
def submit(key: str) -> AnyResponse:
    """Pay, or show what is wrong (422), or what the bank said (402)."""
    state = machine().state
    with state.lock:
        session = _session_now(state, key)
        if session["status"] != "open":
            raise SessionNotOpen(session)
        entry = read_form(session, request.form)
        if entry.errors:
            return _page(state, session, entry, 422)
        if entry.method.needs_authentication:
            return _begin_authentication(state, session, entry)
        payments.pay(state, key, entry.method, entry.payer)
        return _after_attempt(state, session, entry)


@payment_page.get("/<key>/authenticate")
def authenticate(key: str) -> AnyResponse:
    """Show the step at the customer's bank (3-D Secure)."""
    state = machine().state
    with state.lock:
        session = _session_now(state, key)
        if session["status"] != "open":
            return _closed(session)
        if not state.noted(key).get("waiting"):
            return redirect(url_for("pay.show", key=key), 303)
        page = render_template("stripe_emulator/authenticate.html", session=session)
        return _with_policy(Response(page), session)


@payment_page.post("/<key>/authenticate")
def finish_authentication(key: str) -> AnyResponse:
    """Take the customer's word to the bank: complete, or fail."""
    state = machine().state
    with state.lock:
        session = _session_now(state, key)
        typed = state.noted(key).get("waiting")
        if session["status"] != "open":
            raise SessionNotOpen(session)
        if not typed:
            return redirect(url_for("pay.show", key=key), 303)
        state.note(key, waiting=None)
        passed = request.form.get("answer") == "complete"
        entry = read_form(session, typed)
        entry.method = _authenticated(entry.method, passed=passed)
        payments.pay(state, key, entry.method, entry.payer)
        return _after_attempt(state, session, entry)


def return_url(session: JsonObject) -> str:
    """Give where the customer goes after paying."""
    return str(session["success_url"]).replace(PLACEHOLDER, session["id"])


def _session_now(state: State, key: str) -> JsonObject:
    let_time_pass(state)
    return sessions.get(state, key)


def _begin_authentication(
    state: State, session: JsonObject, entry: Entry
) -> AnyResponse:
    payments.ask_authentication(state, session["id"], entry.payer)
    state.note(session["id"], waiting=entry.typed | _card_again(entry.method))
    return redirect(url_for("pay.authenticate", key=session["id"]), 303)


def _card_again(method: Method) -> dict[str, str]:
    """Give the test card's own number: the customer's typing is not kept."""
    number = next(number for number, (_, card) in TEST_CARDS.items() if card == method)
    return {"number": number, "expiry": "12/99", "cvc": "000"}


def _authenticated(method: Method, *, passed: bool) -> Method:
    decline = None if passed else NOT_AUTHENTICATED
    return Method(method.kind, method.last4, method.brand, decline)


def _after_attempt(state: State, session: JsonObject, entry: Entry) -> AnyResponse:
    if session["status"] == "open":
        intent = state.tables["payment_intents"][session["payment_intent"]]
        entry.errors["payment"] = intent["last_payment_error"]["message"]
        return _page(state, session, entry, 402)
    if request.form.get("leave"):
        return _closed(session, left=True)
    return redirect(return_url(session), 303)


def _page(
    state: State, session: JsonObject, entry: Entry, status: int = 200
) -> AnyResponse:
    collected = session["shipping_address_collection"] or {}
    page = render_template(
        "stripe_emulator/payment.html",
        session=session,
        lines=sessions.lines_of(state, session),
        typed=entry.typed,
        errors=entry.errors,
        countries=collected.get("allowed_countries", []),
        debits={
            kind: DEBIT_NAMES[kind]
            for kind in session["payment_method_types"]
            if kind != "card"
        },
        takes_cards="card" in session["payment_method_types"],
        test_cards={number: tells for number, (tells, _) in TEST_CARDS.items()},
    )
    return _with_policy(Response(page, status), session)


def _closed(
    session: JsonObject, status: int = 200, *, left: bool = False
) -> AnyResponse:
    page = render_template(
        "stripe_emulator/closed.html",
        session=session,
        left=left,
        back=return_url(session),
    )
    return Response(page, status)


def _with_policy(response: Response, session: JsonObject) -> Response:
    """Let the form end where success_url leads: browsers check redirects as well."""
    target = urlsplit(session["success_url"])
    origin = f"{target.scheme}://{target.netloc}"
    policy = content_policy(f"'self' {origin}")
    response.headers["Content-Security-Policy"] = policy
    return response
