"""What is written down of an order: who brought the news, and both figures."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import stripe

from storefront.orders.queries import find_order, list_counted_refunds
from tests.factories.events import (
    complete_session,
    pay_by_events,
    payment_of,
    refund_of,
    tell,
)
from tests.fixtures.shop import Placed, Shop


def history(shop: Shop, placed: Placed) -> list[tuple[str, dict[str, Any]]]:
    """Give an order's events with what they say."""
    rows = shop.rows(
        "SELECT event_type, event_metadata FROM order_events WHERE order_id = %s"
        " ORDER BY sequence",
        placed.id,
    )
    return [(row["event_type"], row["event_metadata"]) for row in rows]


def matter(shop: Shop) -> dict[str, Any]:
    return shop.row("SELECT reason, subject, order_id, figures FROM matters")


def by_webhook(shop: Shop, placed: Placed) -> None:
    shop.pay(placed)


def by_page(shop: Shop, placed: Placed) -> None:
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    shop.rows("UPDATE checkout_attempts SET asked_at = asked_at - interval '1 minute'")
    shop.get(f"/orders/{placed.token}")


def by_expiry(shop: Shop, placed: Placed) -> None:
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    shop.let_deadline_pass(placed.id)
    shop.run_job("expire-orders")


def by_reconciliation(shop: Shop, placed: Placed) -> None:
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    shop.run_job("reconcile-month")


def by_asking(shop: Shop, placed: Placed) -> None:
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    shop.run_job("reconcile")


SOURCES = [
    ("webhook", by_webhook),
    ("order page", by_page),
    ("expiry", by_expiry),
    ("reconcile", by_reconciliation),
    ("reconcile", by_asking),
]


@pytest.mark.parametrize(
    ("source", "deed"), SOURCES, ids=[deed.__name__ for _, deed in SOURCES]
)
def test_a_payment_tells_who_heard_of_it(
    shop: Shop, source: str, deed: Callable[[Shop, Placed], None]
) -> None:
    placed = shop.place()
    deed(shop, placed)

    assert history(shop, placed) == [
        ("created", {"attempt": 1}),
        ("paid", {"attempt": 1, "amount": 8000, "source": source}),
    ]


def test_an_order_given_up_tells_by_whom(shop: Shop) -> None:
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.let_deadline_pass(placed.id)
    shop.run_job("expire-orders")

    assert history(shop, placed)[1:] == [("canceled", {"source": "expiry"})]


def test_an_order_whose_session_stripe_has_forgotten_tells_the_same(shop: Shop) -> None:
    placed = shop.place()
    shop.let_deadline_pass(placed.id)
    shop.emulator.reset()
    shop.run_job("expire-orders")

    assert history(shop, placed)[1:] == [("canceled", {"source": "expiry"})]
    assert matter(shop) == {
        "reason": "session unknown at stripe",
        "subject": placed.session_id,
        "order_id": placed.id,
        "figures": {"asked": {"amount": 8000, "currency": "EUR"}},
    }


def test_a_session_forgotten_before_its_deadline_is_found_and_told(shop: Shop) -> None:
    placed = shop.place()
    shop.emulator.reset()
    shop.rows("UPDATE checkout_attempts SET asked_at = asked_at - interval '1 hour'")
    shop.run_job("reconcile")

    assert shop.order(placed.id)["status"] == "canceled"
    assert matter(shop)["subject"] == placed.session_id


def test_a_refund_tells_its_id_and_both_amounts(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = shop.place()
    shop.pay(placed)
    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    ids = []
    for amount in (1000, 2500):
        made = dashboard.v1.refunds.create({"payment_intent": intent, "amount": amount})
        ids.append(made.id)
        shop.emulator.wait()

    assert history(shop, placed)[2:] == [
        ("refunded", {"refund": ids[0], "amount": 1000, "amount_refunded": 1000}),
        ("refunded", {"refund": ids[1], "amount": 2500, "amount_refunded": 3500}),
    ]


def test_whatever_moved_last_each_list_keeps_its_order(shop: Shop) -> None:
    """Postgres gives rows as they lie, and what is changed lies last."""
    placed = shop.place()
    pay_by_events(shop, placed)
    for amount in (700, 100):
        tell(shop, "refund.created", refund_of(placed, amount))
    shop.rows("UPDATE refunds SET created_at = '2026-01-01' WHERE amount = 100")
    shop.rows(
        "INSERT INTO order_events (id, sequence, order_id, event_type, event_metadata)"
        " OVERRIDING SYSTEM VALUE"
        " VALUES (gen_random_uuid(), 0, %s, 'created', '{}')",
        placed.id,
    )
    shop.rows(
        "INSERT INTO checkout_attempts"
        " (id, order_id, position, state, parameters, idempotency_key)"
        " VALUES (gen_random_uuid(), %s, 0, 'failed', '{}', 'before')",
        placed.id,
    )

    with shop.app.app_context():
        order = find_order(UUID(placed.id))
        assert order
        assert [one.amount for one in list_counted_refunds(order)] == [100, 700]
        assert [one.position for one in order.attempts] == [0, 1]
        assert order.events[0].sequence == 0


def test_a_refund_that_failed_is_a_matter_with_its_figures(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    failed = refund_of(placed, 700, status="failed")

    tell(shop, "refund.failed", failed)

    assert matter(shop) == {
        "reason": "refund failed",
        "subject": failed["id"],
        "order_id": placed.id,
        "figures": {"refund": {"amount": 700, "currency": "EUR"}},
    }
    assert shop.order(placed.id)["amount_refunded"] == 0


@pytest.mark.parametrize(
    ("amount", "currency"), [(8001, "EUR"), (100, "USD"), (8001, "USD")]
)
def test_a_refund_that_cannot_be_of_this_order_is_a_matter_and_not_counted(
    shop: Shop, amount: int, currency: str
) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    odd = refund_of(placed, amount, currency=currency.lower())

    tell(shop, "refund.created", odd)

    assert matter(shop) == {
        "reason": "refund disagrees",
        "subject": odd["id"],
        "order_id": placed.id,
        "figures": {
            "refund": {"amount": amount, "currency": currency},
            "paid": {"amount": 8000, "currency": "EUR"},
        },
    }
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 0)
    letters = shop.rows("SELECT kind FROM letters WHERE kind = 'refund'")
    assert letters == []


@pytest.mark.parametrize("status", ["pending", "requires_action", "on_its_way"])
def test_a_refund_that_has_not_come_through_gives_nothing_back_yet(
    shop: Shop, status: str
) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    waiting = refund_of(placed, 700, status=status)
    tell(shop, "refund.created", waiting)
    assert shop.order(placed.id)["amount_refunded"] == 0

    tell(shop, "refund.updated", {**waiting, "status": "succeeded"})

    assert shop.order(placed.id)["amount_refunded"] == 700


def test_a_session_that_nobody_here_asked_for_is_a_matter_with_its_figures(
    shop: Shop,
) -> None:
    placed = shop.place()
    shop.rows(
        "UPDATE checkout_attempts SET provider_session_id = 'cs_other', state = 'open'"
    )

    tell(shop, "checkout.session.completed", complete_session(shop, placed))

    assert matter(shop) == {
        "reason": "unknown session",
        "subject": placed.session_id,
        "order_id": placed.id,
        "figures": {"paid": {"amount": 8000, "currency": "EUR"}},
    }
    assert shop.order(placed.id)["status"] == "pending"


DISAGREEING = {
    "amount": ({"amount_total": 7999}, 8000, 7999),
    "currency": ({"currency": "usd"}, "EUR", "USD"),
    "livemode": ({"livemode": True}, False, True),
    "reference": ({"client_reference_id": "someone-else"}, None, "someone-else"),
}


@pytest.mark.parametrize("what", DISAGREEING)
def test_what_disagrees_tells_what_was_expected_and_what_was_seen(
    shop: Shop, what: str
) -> None:
    """Row 9: both figures, and nothing besides."""
    changes, expected, seen = DISAGREEING[what]
    placed = shop.place()
    expected = placed.id if expected is None else expected

    tell(shop, "checkout.session.completed", complete_session(shop, placed, **changes))

    assert matter(shop) == {
        "reason": "payment disagrees",
        "subject": placed.session_id,
        "order_id": placed.id,
        "figures": {what: {"expected": expected, "seen": seen}},
    }
    state = shop.row("SELECT state FROM checkout_attempts")
    assert state == {"state": "disagrees"}


def test_another_payment_of_a_session_that_is_paid_is_a_matter_and_pays_nobody(
    shop: Shop,
) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    known = shop.row("SELECT provider_payment_intent_id AS id FROM orders")["id"]
    other = complete_session(shop, placed, payment_intent="pi_other")

    tell(shop, "checkout.session.completed", other)

    assert matter(shop)["figures"] == {
        "payment": {"expected": known, "seen": "pi_other"}
    }
    assert shop.row("SELECT state FROM checkout_attempts") == {"state": "paid"}
    assert shop.order(placed.id)["status"] == "paid"


def test_a_payment_without_its_session_that_disagrees_names_the_payment(
    shop: Shop,
) -> None:
    placed = shop.place()
    odd = payment_of(shop, placed, amount=1, amount_received=1)

    tell(shop, "payment_intent.succeeded", odd)

    assert matter(shop)["subject"] == odd["id"]
    assert matter(shop)["figures"] == {"amount": {"expected": 8000, "seen": 1}}


def test_the_address_that_stripe_asked_for_is_kept_as_it_came_first(shop: Shop) -> None:
    placed = shop.place("almanac-2027-printed")
    address = {
        "name": "Ana Lima",
        "address": {
            "line1": "Rua do Poço 3",
            "city": "Porto",
            "postal_code": "4000-001",
            "country": "PT",
        },
    }
    shop.pay(placed, shipping=address)

    first = shop.row("SELECT shipping_address FROM orders")["shipping_address"]
    assert first["name"] == "Ana Lima"
    other = {**address, "name": "Somebody else"}
    done = shop.emulator.session(placed.session_id)
    tell(
        shop,
        "checkout.session.completed",
        {**done, "collected_information": {"shipping_details": other}},
    )
    assert shop.row("SELECT shipping_address FROM orders") == {
        "shipping_address": first
    }


def test_a_payment_told_before_its_session_brings_the_address_along(shop: Shop) -> None:
    """Its receipt goes out at once: nothing on it may be left to come."""
    placed = shop.place("almanac-2027-printed")
    shop.emulator.hold_webhooks()
    shop.pay(placed)
    shop.emulator.release_webhooks("payment_intent.succeeded")
    shop.emulator.wait()

    order = shop.row("SELECT status, shipping_address FROM orders")
    assert order["status"] == "paid"
    told = shop.emulator.session(placed.session_id)["collected_information"]
    assert order["shipping_address"] == {
        "name": told["shipping_details"]["name"],
        **told["shipping_details"]["address"],
    }


def letters(shop: Shop) -> list[dict[str, Any]]:
    return shop.rows(
        "SELECT kind, cause, recipient, context FROM letters ORDER BY kind::text"
    )


def test_a_payment_calls_for_a_receipt_and_news_to_the_owner(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed)

    order = {"cause": placed.id}
    assert letters(shop) == [
        order
        | {
            "kind": "new_order",
            "recipient": "owner@lunaria.example",
            "context": {"revived": False},
        },
        order | {"kind": "receipt", "recipient": "ana@example.com", "context": {}},
    ]


@pytest.mark.parametrize("deed", ["canceled", "failed"])
def test_the_owner_is_told_of_an_order_that_came_back(shop: Shop, deed: str) -> None:
    placed = shop.place()
    if deed == "failed":
        shop.pay(placed, "delayed_fails")
    else:
        shop.let_deadline_pass(placed.id)
        shop.run_job("expire-orders")
    assert shop.order(placed.id)["status"] == deed

    known = shop.emulator.session(placed.session_id)["payment_intent"]
    paid = payment_of(shop, placed, **({"id": known} if known else {}))
    tell(shop, "payment_intent.succeeded", paid)

    news = [one for one in letters(shop) if one["kind"] == "new_order"]
    assert [one["context"] for one in news] == [{"revived": True}]


def test_a_payment_that_failed_is_told_once_for_its_attempt(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed, "delayed_fails")
    failed = complete_session(
        shop, placed, payment_status="unpaid", payment_intent=None
    )
    tell(shop, "checkout.session.async_payment_failed", failed)

    attempt = shop.row("SELECT id FROM checkout_attempts")["id"]
    assert letters(shop) == [
        {
            "kind": "payment_failed",
            "cause": attempt,
            "recipient": "ana@example.com",
            "context": {},
        }
    ]
    assert [kind for kind, _ in history(shop, placed)] == ["created", "failed"]


def test_only_what_came_back_newly_is_told_of(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    first, second = refund_of(placed, 1000), refund_of(placed, 500)
    for refund in (first, second, {**first, "status": "failed"}):
        tell(shop, "refund.updated", refund)

    told = [one for one in letters(shop) if one["kind"] == "refund"]
    assert {one["cause"]: one["context"] for one in told} == {
        first["id"]: {"amount": 1000},
        second["id"]: {"amount": 500},
    }
    assert shop.order(placed.id)["amount_refunded"] == 500
