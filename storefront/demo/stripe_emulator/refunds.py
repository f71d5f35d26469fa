"""Refunds: whole and partial, at once or later, and those that fail after all."""

from typing import Any

from .balance import book_refund, book_refund_failure
from .currencies import check_step, written
from .disputes import refuse_refund
from .errors import ApiError, parameter_invalid, parameter_missing, resource_missing
from .events import emit
from .sessions import without_empty
from .shapes import blank
from .state import JsonObject, State

# How long after it was made the refund of a card with a fate meets it. Stripe's test
# cards do it after some unpublished while.
TURN_SECONDS = 30
# A refund in one of these gives nothing back to the customer.
VOID = ("failed", "canceled")
# Stripe: Refund object: pending may become anything, succeeded may still fail.
NEXT = {
    "pending": ("requires_action", "succeeded", "failed", "canceled"),
    "requires_action": ("succeeded", "failed", "canceled"),
    "succeeded": ("failed",),
}


def create(state: State, params: dict[str, Any]) -> JsonObject:
    """Refund a charge, or what is left of it.

    :raises ApiError: there is nothing (or not so much) to refund, or the money is
        disputed (400)
    """
    charge = _charge_of(state, params)
    refuse_refund(state, charge)
    fate = state.noted(charge["id"]).get("refund_turns")
    status = "pending" if fate == "succeeded" else "succeeded"
    refund = state.put("refunds", _new_refund(state, charge, params, status))
    if fate:
        state.note(refund["id"], turns=fate, turns_at=state.now() + TURN_SECONDS)
    if status == "succeeded":
        _book(state, refund)
    emit(state, "refund.created", refund)
    before = _count_in(state, charge, refund["amount"])
    emit(state, "charge.refunded", charge, before)
    return refund


def get(state: State, key: str) -> JsonObject:
    """Give the refund.

    :raises ApiError: there is none (404)
    """
    refund = state.find("refunds", key)
    if refund is None:
        raise resource_missing("refund", key)
    return refund


def turn(
    state: State, key: str, status: str, *, lowers_charge: bool = True
) -> JsonObject:
    """Move a refund on to another status, as banks do days later.

    Whether Stripe lowers the charge's `amount_refunded` when a refund fails is not
    published, so either can be had.

    :raises ApiError: there is no such refund (404) or no such move (409)
    """
    refund = get(state, key)
    if status not in NEXT.get(refund["status"], ()):
        message = f"A refund that is {refund['status']} cannot become {status}."
        raise ApiError(message, status=409)
    before = state.change("refunds", refund, status=status)
    if status == "succeeded":
        _book(state, refund)
    if status in VOID:
        before |= _undo(state, refund)
    state.note(key, turns=None)
    _tell(state, refund, before)
    if status in VOID and lowers_charge:
        _take_out(state, refund)
    return refund


def turn_due(state: State) -> None:
    """Let the refunds whose hour has come meet their fate."""
    for refund in state.rows("refunds"):
        note = state.noted(refund["id"])
        if note.get("turns") and note["turns_at"] <= state.now():
            turn(state, refund["id"], note["turns"])


def _new_refund(
    state: State, charge: JsonObject, params: dict[str, Any], status: str
) -> JsonObject:
    return {
        **blank("refund"),
        "id": state.ids.make("re_"),
        "amount": _amount(charge, params),
        "charge": charge["id"],
        "created": state.now(),
        "currency": charge["currency"],
        "destination_details": {"type": charge["payment_method_details"]["type"]},
        "instructions_email": params.get("instructions_email"),
        "metadata": without_empty(params.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "status": status,
    }


def _charge_of(state: State, params: dict[str, Any]) -> JsonObject:
    if "charge" in params:
        charge = state.find("charges", params["charge"])
        if charge is None:
            raise _no_such("charge", params)
    elif "payment_intent" in params:
        charge = _charge_of_intent(state, params)
    else:
        raise parameter_missing("payment_intent")
    if charge["status"] != "succeeded":
        message = f"Charge {charge['id']} is {charge['status']}: nothing to refund."
        raise ApiError(message, code="charge_not_refundable")
    return charge


def _charge_of_intent(state: State, params: dict[str, Any]) -> JsonObject:
    intent = state.find("payment_intents", params["payment_intent"])
    if intent is None:
        raise _no_such("payment_intent", params)
    charge = state.find("charges", intent["latest_charge"] or "")
    if charge is None:
        message = f"This PaymentIntent ({intent['id']}) does not have a successful"
        code = "payment_intent_unexpected_state"
        raise ApiError(f"{message} charge to refund.", code=code)
    return charge


def _no_such(name: str, params: dict[str, Any]) -> ApiError:
    return resource_missing(name, params[name], param=name, status=400)


def _amount(charge: JsonObject, params: dict[str, Any]) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if left <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    amount = params.get("amount", left)
    if amount < 1:
        code = "parameter_invalid_integer"
        raise parameter_invalid("Invalid positive integer", "amount", code)
    check_step(amount, charge["currency"], "amount")
    if amount > left:
        raise parameter_invalid(_too_much(amount, left, charge), "amount")
    return int(amount)


def _too_much(amount: int, left: int, charge: JsonObject) -> str:
    currency = charge["currency"]
    partly = charge["amount_refunded"] > 0
    whose = "unrefunded amount on charge" if partly else "charge amount"
    asked, limit = written(amount, currency), written(left, currency)
    return f"Refund amount ({asked}) is greater than {whose} ({limit})"


def _count_in(state: State, charge: JsonObject, amount: int) -> JsonObject:
    refunded = charge["amount_refunded"] + amount
    return state.change(
        "charges",
        charge,
        amount_refunded=refunded,
        refunded=refunded == charge["amount"],
    )


def _take_out(state: State, refund: JsonObject) -> None:
    charge = state.tables["charges"][refund["charge"]]
    before = _count_in(state, charge, -refund["amount"])
    emit(state, "charge.updated", charge, before)


def _book(state: State, refund: JsonObject) -> None:
    entry = book_refund(state, refund)
    state.change("refunds", refund, balance_transaction=entry["id"])


def _undo(state: State, refund: JsonObject) -> JsonObject:
    """Give the money back to the account and say why; give what changed."""
    changes: JsonObject = {}
    if refund["balance_transaction"]:
        entry = book_refund_failure(state, refund)
        changes["failure_balance_transaction"] = entry["id"]
    if refund["status"] == "failed":
        changes["failure_reason"] = "expired_or_canceled_card"
    return state.change("refunds", refund, **changes)


def _tell(state: State, refund: JsonObject, before: JsonObject) -> None:
    """Send what Stripe sends when a refund moves on.

    Stripe: refund webhooks for all refunds (API 2024-10-28); charge.refund.updated is
    the older twin.
    """
    emit(state, "refund.updated", refund, before)
    if refund["status"] == "failed":
        emit(state, "refund.failed", refund)
    emit(state, "charge.refund.updated", refund, before)
