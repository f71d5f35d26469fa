"""Stripe's events made and signed by hand, and what else tests at the doors share."""

import hashlib
import hmac
import http.client
import json
import re
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from storefront.extensions import Model
from tests.fixtures.shop import WEBHOOK_SECRET, Placed, Shop

JsonObject = dict[str, Any]
WEBHOOKS = "/api/webhooks/stripe"


def event(kind: str, thing: Any, **members: Any) -> JsonObject:
    """Give a snapshot event about an object; `members` replace those of the event."""
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "account": None,
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        **members,
    }


def session_of(shop: Shop, placed: Placed, **changes: Any) -> JsonObject:
    """Give an order's Checkout Session as it stands at Stripe, with changes."""
    return {**shop.emulator.session(placed.session_id), **changes}


def complete_session(shop: Shop, placed: Placed, **changes: Any) -> JsonObject:
    """Give an order's Checkout Session as it looks once the customer is through."""
    done = {
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": payment_id(placed),
        "url": None,
    }
    return session_of(shop, placed, **{**done, **changes})


def payment_of(shop: Shop, placed: Placed, **changes: Any) -> JsonObject:
    """Give the PaymentIntent of an order, succeeded, with changes."""
    session = shop.emulator.session(placed.session_id)
    return {
        "id": payment_id(placed),
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_received": session["amount_total"],
        "currency": session["currency"],
        "livemode": False,
        "metadata": session["metadata"],
        "status": "succeeded",
        **changes,
    }


def refund_of(placed: Placed, amount: int, **changes: Any) -> JsonObject:
    """Give a refund of an order that was paid by the events made here."""
    return {
        "id": f"re_{uuid4().hex}",
        "object": "refund",
        "amount": amount,
        "charge": f"ch_{placed.id}",
        "currency": placed.answer["currency"].lower(),
        "metadata": {},
        "payment_intent": payment_id(placed),
        "status": "succeeded",
        **changes,
    }


def payment_id(placed: Placed) -> str:
    """Give the id of the PaymentIntent that these events speak of."""
    return f"pi_{placed.id}"


def sign(body: bytes, secret: str = WEBHOOK_SECRET, at: int | None = None) -> str:
    """Give the Stripe-Signature of a body."""
    stamp = int(time.time()) if at is None else at
    signed = b"%d." % stamp + body
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac}"


def send(
    shop: Shop, body: bytes, signature: str | bytes | None, **headers: str
) -> requests.Response:
    """Deliver raw bytes with whatever signature."""
    given: dict[str, Any] = {"Content-Type": "application/json", **headers}
    if signature is not None:
        given["Stripe-Signature"] = signature
    return shop.post(WEBHOOKS, data=body, headers=given)


def deliver(shop: Shop, told: JsonObject) -> requests.Response:
    """Deliver an event as Stripe would."""
    body = json.dumps(told).encode()
    return send(shop, body, sign(body))


def tell(shop: Shop, kind: str, thing: JsonObject) -> JsonObject:
    """Deliver an event about an object, which has to be taken; give the event."""
    told = event(kind, thing)
    answer = deliver(shop, told)
    assert answer.status_code == 200, answer.text
    return told


def outcome_of(shop: Shop, told: JsonObject) -> str | None:
    """Give what the inbox says became of an event."""
    row = shop.row("SELECT outcome FROM stripe_events WHERE id = %s", told["id"])
    outcome: str | None = row["outcome"]
    return outcome


def pay_by_events(shop: Shop, placed: Placed) -> None:
    """Have an order paid by hand-made news alone."""
    tell(shop, "checkout.session.completed", complete_session(shop, placed))


def row_counts(shop: Shop) -> dict[str, int]:
    """Count the rows of every table: equal before and after means nothing written."""
    counts = " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS rows FROM {name}"  # noqa: S608
        for name in Model.metadata.tables
    )
    return {row["name"]: row["rows"] for row in shop.rows(counts)}


def problem_of(answer: requests.Response, status: int) -> JsonObject:
    """Give the problem document of an answer, in the form of RFC 9457."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    told: JsonObject = answer.json()
    assert {"type", "title", "status", "detail"} <= set(told)
    assert (told["status"], told["title"]) == (status, HTTPStatus(status).phrase)
    assert re.fullmatch("[A-Z].+[.]", told["detail"], re.DOTALL), told["detail"]
    return told


def announce(shop: Shop, path: str, length: int, **headers: str) -> requests.Response:
    """Announce a body of that length, and read the answer without sending it.

    A server that refuses it may close at once; then what was sent hides the answer.
    """
    parts = urlsplit(shop.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=9)
    connection.putrequest("POST", path)
    for name, value in {"Content-Length": str(length), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    raw = connection.getresponse()
    answer = requests.Response()
    answer.status_code = raw.status
    answer.headers.update(dict(raw.getheaders()))
    answer._content = raw.read()
    connection.close()
    return answer
