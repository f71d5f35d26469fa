"""Events as an endpoint of an older API version gets them.

Stripe: upgrades (docs upgrades): an endpoint keeps the version it was made with.
2022-11-15 took `refunds` off the charge and put `latest_charge` in place of the
PaymentIntent's `charges`; 2025-03-31 moved a session's `shipping_details` into
`collected_information`.
"""

import copy

from .expanding import list_object
from .state import JsonObject, State

OLD_VERSION = "2022-08-01"


def as_of_old(state: State, event: JsonObject) -> JsonObject:
    """Copy an event into the older shape."""
    old = copy.deepcopy(event)
    old["api_version"] = OLD_VERSION
    shown = old["data"]["object"]
    if shown["object"] == "charge":
        _add_refunds(state, shown)
    elif shown["object"] == "payment_intent":
        _add_charges(state, shown)
    elif shown["object"] == "checkout.session":
        collected = shown.pop("collected_information") or {}
        shown["shipping_details"] = collected.get("shipping_details")
        shown["ui_mode"] = "hosted"
    return old


def _add_refunds(state: State, charge: JsonObject) -> None:
    refunds = copy.deepcopy(state.tables["refunds"].having("charge", charge["id"]))
    url = f"/v1/charges/{charge['id']}/refunds"
    charge["refunds"] = list_object(refunds[::-1], url)


def _add_charges(state: State, intent: JsonObject) -> None:
    del intent["latest_charge"]
    charges = state.tables["charges"].having("payment_intent", intent["id"])
    copies = copy.deepcopy(charges[::-1])
    for charge in copies:
        _add_refunds(state, charge)
    url = f"/v1/charges?payment_intent={intent['id']}"
    intent["charges"] = list_object(copies, url)
