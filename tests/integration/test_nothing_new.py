"""News of a payment that is in the books is only noted; one that tells more counts."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from storefront.webhooks import handlers
from tests.factories.events import complete_session, deliver, event, payment_of
from tests.fixtures.shop import Placed, Shop

Event = dict[str, Any]
PAID, SUCCEEDED = "checkout.session.completed", "payment_intent.succeeded"
PLACE = {"name": "Ana Lima", "address": {"line1": "Rua 1", "country": "PT"}}
DISAGREES = "payment disagrees"


@pytest.fixture
def placed(shop: Shop) -> Placed:
    """Give an order whose session told that it is paid."""
    placed = shop.place()
    deliver(shop, completed(shop, placed)).raise_for_status()
    return placed


def succeeded(shop: Shop, placed: Placed, **changes: Any) -> Event:
    return event(SUCCEEDED, payment_of(shop, placed, **changes))


def completed(shop: Shop, placed: Placed, **changes: Any) -> Event:
    return event(PAID, complete_session(shop, placed, **changes))


@pytest.mark.parametrize("again", [succeeded, completed])
def test_what_is_known_settles_nothing_again(
    shop: Shop,
    placed: Placed,
    again: Callable[[Shop, Placed], Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = shop.order(placed.id)
    told = again(shop, placed)
    monkeypatch.delattr(handlers, "settle_order")

    assert deliver(shop, told).json()["outcome"] == "applied"
    assert deliver(shop, told).json()["outcome"] == "repeated"

    assert shop.order(placed.id) == before
    assert shop.history(placed.id) == ["created", "paid"]
    rows = shop.rows("SELECT outcome, payload FROM stripe_events ORDER BY received_at")
    assert rows[-1] == {"outcome": "applied", "payload": told}


@pytest.mark.parametrize(
    ("tell", "changes", "reason"),
    [
        (succeeded, {"amount_received": 7999}, DISAGREES),
        (succeeded, {"currency": "usd"}, DISAGREES),
        (succeeded, {"livemode": True}, DISAGREES),
        (completed, {"amount_total": 7999}, DISAGREES),
        (completed, {"currency": "usd"}, DISAGREES),
        (completed, {"livemode": True}, DISAGREES),
        (completed, {"client_reference_id": str(uuid4())}, DISAGREES),
        (completed, {"payment_intent": "pi_other"}, DISAGREES),
        (completed, {"id": "cs_test_other"}, "unknown session"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_disagrees_with_it_is_told_to_the_owner(
    shop: Shop,
    placed: Placed,
    tell: Callable[..., Event],
    changes: dict[str, object],
    reason: str,
) -> None:
    deliver(shop, tell(shop, placed, **changes)).raise_for_status()

    assert shop.row("SELECT reason FROM matters")["reason"] == reason
    assert shop.order(placed.id)["status"] == "paid"


@pytest.mark.parametrize(
    ("tell", "changes"),
    [
        (succeeded, {"shipping": PLACE}),
        (completed, {"collected_information": {"shipping_details": PLACE}}),
    ],
)
def test_where_to_send_it_to_is_learned_from_whichever_tells(
    shop: Shop, placed: Placed, tell: Callable[..., Event], changes: dict[str, object]
) -> None:
    deliver(shop, tell(shop, placed, **changes)).raise_for_status()

    address = shop.row("SELECT shipping_address FROM orders")["shipping_address"]
    assert address["line1"] == "Rua 1"


def test_an_event_that_failed_before_is_done_then(shop: Shop, placed: Placed) -> None:
    told = succeeded(shop, placed)
    shop.rows(
        "INSERT INTO stripe_events (id, type, payload, error)"
        " VALUES (%s, %s, '{}', 'OperationalError: away')",
        told["id"],
        SUCCEEDED,
    )

    assert deliver(shop, told).json()["outcome"] == "applied"

    row = shop.row("SELECT * FROM stripe_events WHERE id = %s", told["id"])
    assert (row["outcome"], row["error"], row["deliveries"]) == ("applied", None, 2)
