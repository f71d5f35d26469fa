"""Disputes: inquiries and chargebacks, their money, and how they end.

Stripe: How disputes work, Dispute object (docs disputes, api/disputes/object). Which
events come, and in what order, is told by bodies recorded in Stripe's test mode.
"""

from typing import Any

from .balance import book_dispute, book_dispute_reversal
from .currencies import check_step
from .errors import ApiError, parameter_invalid, resource_missing
from .events import emit
from .shapes import EVIDENCE, blank
from .state import JsonObject, State

USUAL_REASON = "fraudulent"
# Stripe: Dispute object, `reason`.
REASONS = tuple(
    """
    bank_cannot_process check_returned credit_not_processed customer_initiated
    debit_not_authorized duplicate fraudulent general incorrect_account_details
    insufficient_funds noncompliant product_not_received product_unacceptable
    subscription_canceled unrecognized
    """.split()
)
# Stripe: the answer to most disputes is due within 7 to 21 days.
DUE_SECONDS = 9 * 24 * 3600
# The moves by hand: evidence was sent, or the bank makes an inquiry a dispute.
NEXT = {
    "needs_response": ("under_review",),
    "warning_needs_response": ("warning_under_review", "needs_response"),
    "warning_under_review": ("needs_response",),
}
ENDS = {
    "needs_response": ("won", "lost"),
    "under_review": ("won", "lost"),
    "warning_needs_response": ("warning_closed",),
    "warning_under_review": ("warning_closed",),
}
# The money is away: no refund besides. Stripe: error code `charge_disputed`.
MONEY_AWAY = ("needs_response", "under_review", "lost")


def open_one(
    state: State,
    charge: JsonObject,
    *,
    inquiry: bool = False,
    reason: str = USUAL_REASON,
    amount: int | None = None,
) -> JsonObject:
    """Dispute a charge, whole or in part, as the customer's bank does.

    An inquiry takes no money yet. `charge.disputed` stays true for good.

    :raises ApiError: no such reason or amount (400), nothing was paid, or a dispute of
        it is open already (409)
    """
    _check(state, charge, reason)
    disputed = _amount(charge, amount)
    dispute = _new(state, charge, reason, inquiry=inquiry) | {"amount": disputed}
    state.put("disputes", dispute)
    state.change("charges", charge, disputed=True)
    if inquiry:
        emit(state, "charge.dispute.created", dispute)
    else:
        _withdraw(state, dispute)
        emit(state, "charge.dispute.created", dispute)
        emit(state, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def move(state: State, key: str, status: str) -> JsonObject:
    """Move an open dispute on: under review, or from an inquiry to a real one.

    :raises ApiError: there is no such dispute (404) or no such move (409)
    """
    dispute = get(state, key)
    before = _step(state, dispute, status, NEXT)
    if status == "needs_response":
        case = _case(state.tables["charges"][dispute["charge"]], "chargeback")
        state.change("disputes", dispute, payment_method_details=case)
        before |= _withdraw(state, dispute)
    else:
        details = {**dispute["evidence_details"], "has_evidence": True}
        details |= {"submission_count": 1, "submission_method": "manual"}
        before |= state.change("disputes", dispute, evidence_details=details)
    emit(state, "charge.dispute.updated", dispute, before)
    if status == "needs_response":
        emit(state, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(state: State, key: str, outcome: str) -> JsonObject:
    """End a dispute: won, lost, or (an inquiry) warning_closed.

    :raises ApiError: there is no such dispute (404) or it cannot end so (409)
    """
    dispute = get(state, key)
    before = _step(state, dispute, outcome, ENDS)
    if outcome == "won":
        _reinstate(state, dispute)
        emit(state, "charge.dispute.funds_reinstated", dispute)
    emit(state, "charge.dispute.closed", dispute, before)
    return dispute


def get(state: State, key: str) -> JsonObject:
    """Give the dispute.

    :raises ApiError: there is none (404)
    """
    dispute = state.find("disputes", key)
    if dispute is None:
        raise resource_missing("dispute", key)
    return dispute


def refuse_refund(state: State, charge: JsonObject) -> None:
    """Let no money go back to the customer twice.

    :raises ApiError: a dispute holds the money, or has taken it for good (400)
    """
    found = state.tables["disputes"].having("charge", charge["id"])
    if any(dispute["status"] in MONEY_AWAY for dispute in found):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed")


def _check(state: State, charge: JsonObject, reason: str) -> None:
    if reason not in REASONS:
        raise parameter_invalid(f"A reason is one of: {', '.join(REASONS)}.", "reason")
    if charge["status"] != "succeeded":
        message = f"Charge {charge['id']} is {charge['status']}: nothing to dispute."
        raise ApiError(message, status=409)
    for dispute in state.tables["disputes"].having("charge", charge["id"]):
        if dispute["status"] in ENDS:
            message = f"Dispute {dispute['id']} of this charge is still open."
            raise ApiError(message, status=409)


def _amount(charge: JsonObject, amount: int | None) -> int:
    """Give the amount disputed, by default the charge's."""
    if amount is None:
        return int(charge["amount"])
    if not 1 <= amount <= charge["amount"]:
        message = f"The amount is 1 to {charge['amount']}, that of the charge."
        raise parameter_invalid(message, "amount")
    check_step(amount, charge["currency"], "amount")
    return amount


def _new(state: State, charge: JsonObject, reason: str, *, inquiry: bool) -> JsonObject:
    return {
        **blank("dispute"),
        "id": state.ids.make("du_"),
        "balance_transactions": [],
        "charge": charge["id"],
        "created": state.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": _no_evidence(state),
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": _case(charge, "inquiry" if inquiry else "chargeback"),
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _no_evidence(state: State) -> JsonObject:
    return {
        "due_by": state.now() + DUE_SECONDS,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _case(charge: JsonObject, case_type: str) -> JsonObject | None:
    """Give `payment_method_details`, which a dispute has of a card only."""
    card = charge["payment_method_details"].get("card")
    if card is None:
        return None
    told = {"brand": card["brand"], "case_type": case_type, "network": card["network"]}
    return {"type": "card", "card": {**told, "network_reason_code": None}}


def _step(
    state: State, dispute: JsonObject, status: str, moves: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    if status not in moves.get(dispute["status"], ()):
        message = f"A dispute that is {dispute['status']} cannot become {status}."
        raise ApiError(message, status=409)
    refundable = status not in MONEY_AWAY
    return state.change(
        "disputes", dispute, status=status, is_charge_refundable=refundable
    )


def _withdraw(state: State, dispute: JsonObject) -> JsonObject:
    return _enter(state, dispute, book_dispute(state, dispute))


def _reinstate(state: State, dispute: JsonObject) -> JsonObject:
    return _enter(state, dispute, book_dispute_reversal(state, dispute))


def _enter(state: State, dispute: JsonObject, entry: JsonObject) -> JsonObject:
    entries = [*dispute["balance_transactions"], entry]
    return state.change("disputes", dispute, balance_transactions=entries)
