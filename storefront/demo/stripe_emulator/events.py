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
) -> JsonObject:
    """Record an event and lay out one delivery per endpoint.

    `before` holds the members that changed, as they were (`previous_attributes`).
    """
    data: JsonObject = {"object": copy.deepcopy(shown)}
    if before is not None:
        data["previous_attributes"] = copy.deepcopy(before)
    event: JsonObject = {
        "id": state.ids.make("evt_"),
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "context": None,
        "created": state.now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": len(state.endpoints),
        "request": dict(state.cause),
        "type": kind,
    }
    # Stripe sends the same bytes at every attempt, so they are fixed here.
    state.put("events", event)
    state.note(event["id"], body=json.dumps(event, ensure_ascii=False, indent=2))
    lay_out_deliveries(state, event)
    return event


def lay_out_deliveries(state: State, event: JsonObject) -> list[JsonObject]:
    """Add a delivery of this event for each endpoint; the courier takes them on."""
    laid_out = []
    for endpoint in state.endpoints.values():
        delivery = {
            "id": state.ids.make("dlv_"),
            "event": event["id"],
            "type": event["type"],
            "endpoint": endpoint["id"],
            "url": endpoint["url"],
            "status": "pending",
            "created": state.now(),
            "next_attempt_at": None,
            "attempts": [],
        }
        laid_out.append(state.put("deliveries", delivery))
        state.outbox.append(delivery["id"])
    return laid_out


def resend(state: State, event: JsonObject) -> list[JsonObject]:
    """Deliver an event once more to every endpoint, whatever came of it before."""
    laid_out = lay_out_deliveries(state, event)
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
