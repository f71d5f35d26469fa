"""Events that come beside the true ones: of other projects, live ones, thin ones."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .events import body_of, new_delivery, record
from .sessions import CUSTOM_TEXTS, blank_session
from .shapes import address, blank
from .state import JsonObject, State

# What another project on the same account would put there.
THEIRS = {"app": "another-project", "order": "4711"}
SOMEBODY = "somebody@elsewhere.example"


def add_foreign(state: State, delivery: JsonObject) -> str:
    """Deliver the next kind of event of another project; give the delivery's id."""
    made = state.noted("foreign").get("made", 0)
    state.note("foreign", made=made + 1)
    kind, shown = foreign(state, list(FOREIGN)[made % len(FOREIGN)])
    event = record(state, kind, {"object": shown})
    return _deliver(state, delivery, event["id"], kind)


def foreign(state: State, name: str) -> tuple[str, JsonObject]:
    """Give the type and the object of another project's event, of the kind named."""
    kind, make = FOREIGN[name]
    return kind, make(state)


def add_live_copy(state: State, delivery: JsonObject) -> str:
    """Deliver the same fact as one of live mode; give the delivery's id."""
    event = copy.deepcopy(state.tables["events"][delivery["event"]])
    event |= {"id": state.ids.make("evt_"), "livemode": True}
    event["data"]["object"]["livemode"] = True
    state.note(event["id"], body=body_of(event))
    return _deliver(state, delivery, event["id"], event["type"])


def add_thin(state: State, delivery: JsonObject) -> str:
    """Deliver a thin event of the fact; give the delivery's id.

    Stripe: Event destinations (docs event-destinations): snapshot endpoints get none.
    """
    about = state.tables["events"][delivery["event"]]
    shown = about["data"]["object"]
    kind = f"v1.{about['type']}"
    event: JsonObject = {
        "id": state.ids.make("evt_test_"),
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": datetime.fromtimestamp(about["created"], UTC).isoformat(),
        "related_object": {"id": shown["id"], "type": shown["object"], "url": None},
    }
    state.note(event["id"], body=body_of(event))
    return _deliver(state, delivery, event["id"], kind)


def add_twin(state: State, delivery: JsonObject) -> str:
    """Deliver a second event of the same fact; give the delivery's id."""
    event = state.tables["events"][delivery["event"]]
    kept = ("api_version", "created", "request")
    same: dict[str, Any] = {name: event[name] for name in kept}
    twin = record(state, event["type"], copy.deepcopy(event["data"]), **same)
    return _deliver(state, delivery, twin["id"], twin["type"])


def _deliver(state: State, beside: JsonObject, event_id: str, kind: str) -> str:
    target = {"id": beside["endpoint"], "url": beside["url"]}
    return str(new_delivery(state, event_id, kind, target)["id"])


def _session(state: State, **members: Any) -> JsonObject:
    return {
        **blank_session(),
        "id": state.ids.make("cs_test_"),
        "amount_subtotal": 8000,
        "amount_total": 8000,
        "client_reference_id": "4711",
        "created": state.now(),
        "currency": "eur",
        "custom_text": dict.fromkeys(CUSTOM_TEXTS),
        "expires_at": state.now() + 3600,
        "metadata": THEIRS,
        "payment_intent": state.ids.make("pi_"),
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "status": "complete",
        **members,
    }


def _subscription_session(state: State) -> JsonObject:
    return _session(
        state,
        mode="subscription",
        payment_intent=None,
        metadata={},
        client_reference_id=None,
        customer=state.ids.make("cus_"),
        invoice=state.ids.make("in_"),
        subscription=state.ids.make("sub_"),
    )


def _intent(state: State) -> JsonObject:
    return {
        **blank("payment_intent"),
        "id": state.ids.make("pi_"),
        "amount": 8000,
        "amount_capturable": 0,
        "amount_received": 8000,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": state.now(),
        "currency": "eur",
        "latest_charge": state.ids.make("ch_"),
        "livemode": False,
        "metadata": {},
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": "succeeded",
    }


def _refunded_charge(state: State) -> JsonObject:
    nobody = {"email": SOMEBODY, "name": None, "phone": None, "tax_id": None}
    return {
        **blank("charge"),
        "id": state.ids.make("ch_"),
        "amount": 8000,
        "amount_captured": 8000,
        "amount_refunded": 8000,
        "billing_details": {"address": address(), **nobody},
        "captured": True,
        "created": state.now(),
        "currency": "eur",
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": THEIRS,
        "paid": True,
        "payment_intent": state.ids.make("pi_"),
        "refunded": True,
        "status": "succeeded",
    }


def _customer(state: State) -> JsonObject:
    return {
        "id": state.ids.make("cus_"),
        "object": "customer",
        "created": state.now(),
        "email": SOMEBODY,
        "livemode": False,
        "metadata": {},
    }


def _invoice(state: State) -> JsonObject:
    return {
        "id": state.ids.make("in_"),
        "object": "invoice",
        "amount_paid": 8000,
        "created": state.now(),
        "currency": "eur",
        "customer": state.ids.make("cus_"),
        "livemode": False,
        "metadata": {},
        "status": "paid",
    }


FOREIGN: dict[str, tuple[str, Callable[[State], JsonObject]]] = {
    "payment": ("checkout.session.completed", _session),
    "subscription": ("checkout.session.completed", _subscription_session),
    "customer": ("customer.created", _customer),
    "invoice": ("invoice.paid", _invoice),
    "intent": ("payment_intent.succeeded", _intent),
    "refund": ("charge.refunded", _refunded_charge),
}
