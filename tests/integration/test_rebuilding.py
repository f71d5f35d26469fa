"""An order that the database has lost, written down again from its session."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.shop import CUSTOMER, Placed, Shop

# What Stripe does not carry, or what is of the day.
OTHER = {"note", "created_at", "updated_at", "paid_at", "expires_at"}


@pytest.fixture
def deaf(shop: Shop) -> Shop:
    """Give a shop that no webhook reaches."""
    shop.emulator.drop_webhooks()
    return shop


@pytest.fixture
def _far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine's clock show the time of elsewhere."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


def whole(shop: Shop) -> dict[str, Any]:
    return shop.row("SELECT * FROM orders")


def lost(shop: Shop, product: str = "birth-chart-reading", **given: Any) -> Placed:
    """Give an order that was paid at Stripe, and that is here no more."""
    placed = shop.place(product, 2)
    shop.emulator.pay(placed.session_id, **given)
    shop.lose_orders()
    return placed


def reasons(shop: Shop) -> list[str]:
    return [row["reason"] for row in shop.rows("SELECT reason FROM matters")]


@pytest.mark.parametrize(
    "product", ["birth-chart-reading", "almanac-2027-digital", "reading-in-yen"]
)
@pytest.mark.usefixtures("_far_from_utc")
def test_it_is_as_it_was(deaf: Shop, product: str) -> None:
    """Row 59: to the last column that can be known."""
    placed = deaf.place(product, 2)
    deaf.emulator.pay(placed.session_id, **CUSTOMER)
    deaf.run_job("reconcile-month")
    before = whole(deaf)
    deaf.lose_orders()

    assert deaf.run_job("reconcile-month") == 1

    after = whole(deaf)
    assert {name: before[name] for name in before.keys() - OTHER} == {
        name: after[name] for name in after.keys() - OTHER
    }
    made = deaf.emulator.session(placed.session_id)["created"]
    assert after["created_at"].timestamp() == made


def test_its_attempt_and_history_say_where_it_comes_from(deaf: Shop) -> None:
    placed = deaf.place()
    attempt = deaf.row("SELECT id FROM checkout_attempts")["id"]
    deaf.emulator.pay(placed.session_id)
    deaf.lose_orders()
    deaf.run_job("reconcile-month")

    row = deaf.row("SELECT * FROM checkout_attempts")
    assert (row["id"], row["position"], row["state"]) == (attempt, 1, "paid")
    assert (row["provider_session_id"], row["parameters"]) == (placed.session_id, {})
    assert row["idempotency_key"] == f"{placed.id}/rebuilt/{placed.session_id}"
    events = deaf.rows(
        "SELECT event_type, event_metadata FROM order_events ORDER BY sequence"
    )
    assert [tuple(event.values()) for event in events] == [
        ("created", {"attempt": 1, "rebuilt_from": placed.session_id}),
        ("paid", {"attempt": 1, "amount": 8000, "source": "reconcile"}),
    ]


def test_the_owner_is_told_of_which_order(deaf: Shop) -> None:
    placed = lost(deaf)
    deaf.run_job("reconcile-month")

    matter = deaf.row("SELECT reason, subject, order_id, figures FROM matters")
    assert matter == {
        "reason": "order written down again",
        "subject": placed.session_id,
        "order_id": placed.id,
        "figures": {"paid": {"amount": 16000, "currency": "EUR"}},
    }


def test_links_in_peoples_hands_go_on_working(deaf: Shop) -> None:
    placed = lost(deaf)
    deaf.run_job("reconcile-month")

    assert deaf.get(f"/orders/{placed.token}").status_code == 200


def change_at_stripe(shop: Shop, **members: Any) -> None:
    """Have Stripe list one session, with other members than it had."""
    (session,) = shop.emulator.ledger("sessions")["sessions"]
    session["metadata"] |= members.pop("mark", {})
    listed = {"data": [session | members], "has_more": False}
    shop.emulator.set_faults(
        {"where": "webhooks", "do": "drop"},
        {
            "where": "api",
            "do": "rewrite",
            "members": listed,
            "path": "/v1/checkout/sessions",
        },
        {
            "where": "api",
            "do": "rewrite",
            "members": {"data": [], "has_more": False},
            "path": "/v1/charges",
        },
    )


ODD_LINKS = ["https://shop.example/orders/short", "https://shop.example/", None]


@pytest.mark.parametrize("address", ODD_LINKS)
def test_without_its_link_it_gets_a_new_one(deaf: Shop, address: str | None) -> None:
    placed = lost(deaf)
    change_at_stripe(deaf, success_url=address)
    deaf.run_job("reconcile-month")

    token = deaf.row("SELECT page_token FROM orders")["page_token"]
    assert token != placed.token
    assert deaf.get(f"/orders/{token}").status_code == 200


TOO_LITTLE: dict[str, dict[str, Any]] = {
    "no number": {"mark": {"order_number": ""}},
    "no e-mail address": {"customer_details": None, "customer_email": None},
    "another amount": {"amount_total": 15999},
    "no items": {"mark": {"items": ""}},
    "an odd item": {"mark": {"items": "birth-chart-reading*2*x"}},
    "an item without a price": {"mark": {"items": "birth-chart-reading*2"}},
    "an item without an amount": {"mark": {"items": "birth-chart-reading**8000"}},
    "an unknown item": {"mark": {"items": "nothing*2*8000"}},
}


@pytest.mark.parametrize("members", TOO_LITTLE.values(), ids=TOO_LITTLE.keys())
def test_what_does_not_tell_enough_is_listed_by_name_and_amount(
    deaf: Shop, members: dict[str, Any]
) -> None:
    placed = lost(deaf, name="Ana Lima", email="ana@example.com")
    change_at_stripe(deaf, **members)

    assert deaf.run_job("reconcile-month") == 0

    assert deaf.rows("SELECT * FROM orders") == []
    amount = members.get("amount_total", 16000)
    known = "customer_details" not in members
    assert deaf.row("SELECT reason, subject, order_id, figures FROM matters") == {
        "reason": "paid order is lost",
        "subject": placed.session_id,
        "order_id": None,
        "figures": {
            "paid": {"amount": amount, "currency": "EUR"},
            "customer": {
                "name": "Ana Lima" if known else "",
                "email": "ana@example.com" if known else "",
            },
        },
    }


def test_without_a_name_the_address_stands_for_it(deaf: Shop) -> None:
    lost(deaf)
    change_at_stripe(deaf, customer_details={"email": "ana@example.com", "name": None})
    deaf.run_job("reconcile-month")

    assert whole(deaf)["customer_name"] == "ana@example.com"


def test_without_its_attempts_id_it_gets_another(deaf: Shop) -> None:
    lost(deaf)
    change_at_stripe(deaf, mark={"attempt_id": ""})
    deaf.run_job("reconcile-month")

    assert deaf.row("SELECT state FROM checkout_attempts") == {"state": "paid"}
    assert reasons(deaf) == ["order written down again"]
