"""`expand`: ids become the objects they name, and hidden lists appear.

Stripe: Expanding responses (docs expand): up to four levels, `data.` in lists.
"""

import copy
from typing import Any

from .errors import ApiError, not_emulated
from .state import JsonObject, State

DEEPEST = 4
NOWHERE = ""
BALANCE = {
    "balance_transaction": "balance_transactions",
    "failure_balance_transaction": "balance_transactions",
}
PAYMENT = {"charge": "charges", "payment_intent": "payment_intents"}
# Which members of which object may be expanded, and the table their ids are from;
# NOWHERE for kinds of object that the emulator does not hold.
REFERENCES: dict[str, dict[str, str]] = {
    "checkout.session": {
        "payment_intent": "payment_intents",
        **dict.fromkeys(
            ("customer", "invoice", "payment_link", "setup_intent", "subscription"),
            NOWHERE,
        ),
    },
    "payment_intent": {
        "latest_charge": "charges",
        **dict.fromkeys(
            ("application", "customer", "on_behalf_of", "payment_method", "review"),
            NOWHERE,
        ),
    },
    "charge": {
        **BALANCE,
        **PAYMENT,
        **dict.fromkeys(("application", "customer", "on_behalf_of", "review"), NOWHERE),
    },
    "refund": {**BALANCE, **PAYMENT, "payment_method": NOWHERE},
    "dispute": PAYMENT,
    "price": {"product": "products"},
}


def render(state: State, shown: JsonObject, paths: list[str]) -> JsonObject:
    """Copy an object for an answer, with the members that were asked for expanded.

    :raises ApiError: a path names nothing that can be expanded (400)
    """
    answer = copy.deepcopy(shown)
    for at, path in enumerate(paths):
        names = path.split(".")
        if len(names) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property."
            raise ApiError(message, param=f"expand[{at}]")
        _expand(state, answer, names, path)
    return answer


def list_object(rows: list[JsonObject], url: str, *, more: bool = False) -> JsonObject:
    """Give a list as Stripe wraps it."""
    return {"object": "list", "data": rows, "has_more": more, "url": url}


def _expand(state: State, shown: JsonObject, names: list[str], path: str) -> None:
    name, rest = names[0], names[1:]
    if shown.get("object") == "list":
        if name != "data":
            raise _cannot(path)
        for row in shown["data"] if rest else []:
            _expand(state, row, rest, path)
        return
    shown[name] = _expanded(state, shown, name, path)
    if rest and isinstance(shown[name], dict):
        _expand(state, shown[name], rest, path)


def _expanded(state: State, shown: JsonObject, name: str, path: str) -> Any:
    kind = shown.get("object", "")
    if isinstance(shown.get(name), dict):
        return shown[name]
    if (kind, name) == ("checkout.session", "line_items"):
        lines = copy.deepcopy(state.noted(shown["id"])["line_items"])
        return list_object(lines, f"/v1/checkout/sessions/{shown['id']}/line_items")
    if (kind, name) == ("charge", "refunds"):
        return _refunds_of(state, shown)
    table = REFERENCES.get(kind, {}).get(name)
    if table is None:
        raise _cannot(path)
    if shown[name] is None:
        return None
    if table == NOWHERE:
        raise not_emulated(f"expanding {name}", "expand")
    return copy.deepcopy(state.tables[table][shown[name]])


def _refunds_of(state: State, charge: JsonObject) -> JsonObject:
    refunds = state.tables["refunds"].having("charge", charge["id"])
    url = f"/v1/charges/{charge['id']}/refunds"
    return list_object(copy.deepcopy(refunds[::-1]), url)


def _cannot(path: str) -> ApiError:
    message = f"This property cannot be expanded ({path})."
    return ApiError(message, param="expand")
