"""Stripe's side by hand: what the owner, banks and customers do there."""

import json
from typing import Any

import requests

from tests.factories.events import WEBHOOKS, JsonObject, sign
from tests.fixtures.shop import READING, Placed, Shop

OWNER = "Bearer sk_test_of_the_owner"
# Cards whose refunds fail after a while, or wait at first.
FAILS_LATER, WAITS_FIRST = "4000000000005126", "4000000000007726"


class Account:
    """The shop's account at Stripe, and the page where its customers pay again."""

    def __init__(self, shop: Shop) -> None:
        """Speak to Stripe as the owner's own dashboard does."""
        self.shop = shop
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = OWNER

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def sessions(self, order_id: str) -> list[JsonObject]:
        """Give the Checkout Sessions of an order, oldest first."""
        ledger = self.shop.emulator.ledger("sessions")
        return [
            one for one in ledger["sessions"] if one["client_reference_id"] == order_id
        ]

    def refund(self, payment: str, amount: int | None = None) -> JsonObject:
        """Refund a payment, or part of it; what Stripe refuses comes back as error."""
        asked: JsonObject = {"payment_intent": payment}
        if amount is not None:
            asked["amount"] = amount
        return self._read("POST", "refunds", data=asked)

    def charge_of(self, payment: str) -> JsonObject:
        """Give the charge of a payment."""
        charges = self._read("GET", "charges", params={"payment_intent": payment})
        (charge,) = charges["data"][:1]
        return dict(charge)

    def last_event(self) -> str | None:
        """Give the id of the newest event."""
        newest = self._read("GET", "events", params={"limit": 1})["data"]
        return newest[0]["id"] if newest else None

    def events_after(self, event_id: str | None) -> list[JsonObject]:
        """Give the events since that one, oldest first."""
        newest = self._read("GET", "events", params={"limit": 100})["data"]
        ids = [event["id"] for event in newest]
        known = ids.index(event_id) if event_id in ids else len(ids)
        return list(reversed(newest[:known]))

    def _read(self, method: str, path: str, **more: Any) -> JsonObject:
        url = f"{self.shop.emulator.url}/v1/{path}"
        told: JsonObject = self._http.request(method, url, timeout=30, **more).json()
        return told


def pay_again(shop: Shop, token: str) -> requests.Response:
    """Ask for the payment page of an order once more, as its page offers."""
    form = shop.get(f"/checkout?service_id={READING}").text
    csrf = form.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    return shop.post(f"/orders/{token}/pay", data={"csrf_token": csrf})


def second_session(shop: Shop, account: Account, placed: Placed) -> str:
    """Open another payment page for an order; give its session."""
    answer = pay_again(shop, placed.token)
    assert answer.status_code == 303, answer.text[:300]
    return str(account.sessions(placed.id)[-1]["id"])


def post_event(http: requests.Session, shop: Shop, event: JsonObject) -> int:
    """Deliver an event from a connection of one's own; give the answer's status."""
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": sign(body), "Content-Type": "application/json"}
    return http.post(
        shop.url + WEBHOOKS, data=body, headers=headers, timeout=30
    ).status_code
