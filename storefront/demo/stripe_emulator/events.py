"""Events: what happened, with the object as it was at that moment."""

import copy
import json
from fnmatch import fnmatchcase
from typing import Any

from .shapes import API_VERSION
from .state import JsonObject, State

# Stripe: Events can be fetched for 30 days (docs api/events).
KEPT_SECONDS = 30 * 24 * 3600


def emit(
    state: State, kind: str, shown: JsonObject, before: JsonObject | None = None
) -> None:
    """Record an event and lay out one delivery per endpoint.

    `before` holds the members that changed, as they were (`previous_attributes`). A
    fault may omit the event: then there is none, in the list neither.
    """
    if state.faults.take("events", type=kind):
        return
    data: JsonObject = {"object": copy.deepcopy(shown)}
    if before is not None:
        data["previous_attributes"] = copy.deepcopy(before)
    event = record(state, kind, data, pending_webhooks=len(_listeners(state, kind)))
    lay_out_deliveries(state, event)


def record(state: State, kind: str, data: JsonObject, **members: Any) -> JsonObject:
    """Keep a new event that is delivered nowhere yet; `members` replace the usual."""
    event: JsonObject = {
        "id": state.ids.make("evt_"),
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "context": None,
        "created": state.now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": dict(state.cause),
        "type": kind,
        **members,
    }
    # Stripe sends the same bytes at every attempt, so they are fixed here.
    state.note(event["id"], body=body_of(event))
    return state.put("events", event)


def body_of(event: JsonObject) -> str:
    """Write an event the way endpoints get it."""
    return json.dumps(event, ensure_ascii=False, indent=2)


def lay_out_deliveries(state: State, event: JsonObject) -> list[JsonObject]:
    """Add a delivery for each endpoint that wants it; the courier takes them on."""
    laid_out = [
        new_delivery(state, event["id"], event["type"], endpoint)
        for endpoint in _listeners(state, event["type"])
    ]
    state.outbox += [delivery["id"] for delivery in laid_out]
    return laid_out


def _listeners(state: State, kind: str) -> list[JsonObject]:
    return [
        endpoint
        for endpoint in state.endpoints.values()
        if not {"*", kind}.isdisjoint(endpoint["enabled_events"])
    ]


def new_delivery(
    state: State, event_id: str, kind: str, endpoint: JsonObject
) -> JsonObject:
    """Keep a new delivery, which whoever asks for it hands to the courier."""
    delivery = {
        "id": state.ids.make("dlv_"),
        "event": event_id,
        "type": kind,
        "endpoint": endpoint["id"],
        "url": endpoint["url"],
        "status": "pending",
        "created": state.now(),
        "next_attempt_at": None,
        "faults": [],
        "attempts": [],
    }
    return state.put("deliveries", delivery)


def deliver_again(
    state: State, delivery: JsonObject, event: JsonObject, copies: int
) -> list[JsonObject]:
    """Keep more deliveries of the same event to the same endpoint."""
    target = {"id": delivery["endpoint"], "url": delivery["url"]}
    pending = event["pending_webhooks"] + copies
    state.change("events", event, pending_webhooks=pending)
    return [
        new_delivery(state, event["id"], event["type"], target) for _ in range(copies)
    ]


def resend(state: State, event: JsonObject, copies: int = 1) -> list[JsonObject]:
    """Deliver an event once more (or so often) to every endpoint."""
    laid_out = [row for _ in range(copies) for row in lay_out_deliveries(state, event)]
    pending = event["pending_webhooks"] + len(laid_out)
    state.change("events", event, pending_webhooks=pending)
    return laid_out


def is_fetchable(state: State, event: JsonObject) -> bool:
    """Say whether the event is young enough to be fetched."""
    return bool(event["created"] > state.now() - KEPT_SECONDS)


def matches(event: JsonObject, params: dict[str, Any]) -> bool:
    """Say whether an event passes the filters of the list operation."""
    wanted = params.get("types") or [params.get("type", "*")]
    if not any(fnmatchcase(event["type"], pattern) for pattern in wanted):
        return False
    if "delivery_success" not in params:
        return True
    return bool((event["pending_webhooks"] == 0) == params["delivery_success"])
