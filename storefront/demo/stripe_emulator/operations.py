"""The operations of Stripe's API that the emulator answers, in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import balance, disputes, events, lists, refunds, sessions
from . import parameter_tables as tables
from .errors import resource_missing
from .parameters import Members
from .state import JsonObject, State
from .tables import Table

Params = dict[str, Any]
Deed = Callable[[State, Params, str], JsonObject]
SESSIONS = "/v1/checkout/sessions"


@dataclass(frozen=True)
class Operation:
    """One method on one path; `key` in the path is the object's id."""

    method: str
    path: str
    params: Members
    do: Deed


def _list_sessions(state: State, params: Params, _key: str) -> JsonObject:
    wanted = params.get("customer_details")

    def is_theirs(session: JsonObject) -> bool:
        return not wanted or _email_of(session) == wanted["email"].lower()

    return lists.page(
        state.tables["sessions"],
        params,
        SESSIONS,
        *("customer", "customer_account", "payment_intent", "payment_link"),
        *("status", "subscription"),
        also=is_theirs,
    )


def _email_of(session: JsonObject) -> str | None:
    details = session["customer_details"]
    return details["email"].lower() if details else None


def _list_line_items(state: State, params: Params, key: str) -> JsonObject:
    # A session's lines stand in their own order, not newest first.
    lines = Table(reversed(sessions.lines_of(state, sessions.get(state, key))))
    return lists.page(lines, params, f"{SESSIONS}/{key}/line_items")


def _list_events(state: State, params: Params, _key: str) -> JsonObject:
    def is_listed(event: JsonObject) -> bool:
        return events.is_fetchable(state, event) and events.matches(event, params)

    return lists.page(state.tables["events"], params, "/v1/events", also=is_listed)


def _get_event(state: State, _params: Params, key: str) -> JsonObject:
    event = _getter("events", "event")(state, {}, key)
    if not events.is_fetchable(state, event):
        raise resource_missing("event", key)
    return event


def _lister(table: str, *equal: str) -> Deed:
    def list_rows(state: State, params: Params, _key: str) -> JsonObject:
        return lists.page(state.tables[table], params, f"/v1/{table}", *equal)

    return list_rows


def _getter(table: str, kind: str) -> Deed:
    def get_row(state: State, _params: Params, key: str) -> JsonObject:
        row = state.find(table, key)
        if row is None:
            raise resource_missing(kind, key)
        return row

    return get_row


OPERATIONS = (
    Operation(
        "POST",
        SESSIONS,
        tables.CREATE_SESSION,
        lambda state, params, _key: sessions.create(state, params),
    ),
    Operation("GET", SESSIONS, tables.LIST_SESSIONS, _list_sessions),
    Operation(
        "GET",
        f"{SESSIONS}/<key>",
        tables.ONLY_EXPAND,
        lambda state, _params, key: sessions.get(state, key),
    ),
    Operation(
        "POST",
        f"{SESSIONS}/<key>",
        tables.UPDATE_SESSION,
        lambda state, params, key: sessions.update(state, key, params),
    ),
    Operation(
        "POST",
        f"{SESSIONS}/<key>/expire",
        tables.ONLY_EXPAND,
        lambda state, _params, key: sessions.expire(state, key),
    ),
    Operation(
        "GET", f"{SESSIONS}/<key>/line_items", tables.LIST_LINE_ITEMS, _list_line_items
    ),
    Operation(
        "GET",
        "/v1/payment_intents",
        tables.LIST_INTENTS,
        _lister("payment_intents", "customer", "customer_account"),
    ),
    Operation(
        "GET",
        "/v1/payment_intents/<key>",
        tables.RETRIEVE_INTENT,
        _getter("payment_intents", "payment_intent"),
    ),
    Operation(
        "GET",
        "/v1/charges",
        tables.LIST_CHARGES,
        _lister("charges", "customer", "payment_intent", "transfer_group"),
    ),
    Operation(
        "GET", "/v1/charges/<key>", tables.ONLY_EXPAND, _getter("charges", "charge")
    ),
    Operation(
        "POST",
        "/v1/refunds",
        tables.CREATE_REFUND,
        lambda state, params, _key: refunds.create(state, params),
    ),
    Operation(
        "GET",
        "/v1/refunds",
        tables.LIST_OF_A_PAYMENT,
        _lister("refunds", "charge", "payment_intent"),
    ),
    Operation(
        "GET",
        "/v1/refunds/<key>",
        tables.ONLY_EXPAND,
        lambda state, _params, key: refunds.get(state, key),
    ),
    Operation(
        "GET",
        "/v1/disputes",
        tables.LIST_OF_A_PAYMENT,
        _lister("disputes", "charge", "payment_intent"),
    ),
    Operation(
        "GET",
        "/v1/disputes/<key>",
        tables.ONLY_EXPAND,
        lambda state, _params, key: disputes.get(state, key),
    ),
    Operation("GET", "/v1/events", tables.LIST_EVENTS, _list_events),
    Operation("GET", "/v1/events/<key>", tables.ONLY_EXPAND, _get_event),
    Operation(
        "GET",
        "/v1/balance",
        tables.ONLY_EXPAND,
        lambda state, _params, _key: balance.balance(state),
    ),
)
