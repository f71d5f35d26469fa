"""What orders have to be, going by Stripe's ledger alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tests.factories.events import JsonObject


def doubled_sessions(ledger: JsonObject) -> Iterator[str]:
    """Tell of attempts that have made more than one session at Stripe."""
    made = Counter(one["metadata"]["attempt_id"] for one in ledger["sessions"])
    for attempt, count in made.items():
        if count > 1:
            yield f"The attempt {attempt} has made {count} sessions."


def odd_statuses(
    orders: Iterable[JsonObject], attempts: Iterable[JsonObject], ledger: JsonObject
) -> Iterator[str]:
    """Tell of orders whose status is not what their sessions at Stripe call for.

    :param attempts: in the order of their positions.
    """
    intents = {one["id"]: one["status"] for one in ledger["payment_intents"]}
    seen = {
        one["id"]: _state_of(one, intents.get(one["payment_intent"]))
        for one in ledger["sessions"]
    }
    states: dict[str, list[str]] = defaultdict(list)
    for one in attempts:
        state = seen.get(one["provider_session_id"], one["state"])
        states[one["order_id"]].append(state)
    for order in orders:
        mine = states[order["id"]]
        if order["status"] not in _status_of(mine):
            yield f"Order {order['number']} is {order['status']}, after {mine}."


def _state_of(session: JsonObject, payment: str | None) -> str:
    if session["status"] != "complete":
        return str(session["status"])
    if session["payment_status"] == "paid":
        return "paid"
    return "processing" if payment == "processing" else "failed"


def _status_of(states: Sequence[str]) -> Sequence[str]:
    if "paid" in states:
        return ("paid", "refunded")
    if {"prepared", "open", "processing"}.intersection(states):
        return ("pending",)
    return ("failed",) if states[-1] == "failed" else ("canceled",)
