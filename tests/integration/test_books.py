"""Comparing our books with Stripe's: what differs is named, with both figures."""

from datetime import timedelta
from typing import Any

import pytest
import stripe

from storefront.checkout.compare_books import Difference, compare_books
from storefront.clock import now
from tests.fixtures.shop import Placed, Shop


def differences(shop: Shop) -> list[Difference]:
    until = now() + timedelta(minutes=1)
    with shop.app.app_context():
        return list(compare_books(until - timedelta(days=1), until))


def paid(shop: Shop) -> Placed:
    placed = shop.place()
    shop.pay(placed)
    return placed


def intent_of(shop: Shop, placed: Placed) -> str:
    intent: str = shop.emulator.session(placed.session_id)["payment_intent"]
    return intent


def refund(
    shop: Shop, dashboard: stripe.StripeClient, placed: Placed, **more: Any
) -> str:
    """Refund at Stripe, and let it tell."""
    intent = intent_of(shop, placed)
    made = dashboard.v1.refunds.create({"payment_intent": intent, **more})
    shop.emulator.wait()
    return made.id


def test_books_that_agree_differ_in_nothing(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    refund(shop, dashboard, placed, amount=1000)
    shop.emulator.turn_refund(refund(shop, dashboard, placed, amount=500), "failed")
    shop.emulator.wait()
    shop.run_job("read-refunds")
    shop.place()

    assert differences(shop) == []


def test_what_was_paid_there_and_not_here_is_named(shop: Shop) -> None:
    shop.emulator.drop_webhooks()
    placed = paid(shop)
    number = placed.answer["number"]

    found = differences(shop)

    intent = intent_of(shop, placed)
    assert found == [
        Difference("paid there, not here", intent, number, "EUR", None, 8000)
    ]


def test_an_order_that_we_have_lost_is_named_without_a_number(shop: Shop) -> None:
    shop.emulator.drop_webhooks()
    placed = paid(shop)
    shop.lose_orders()

    (found,) = differences(shop)

    assert found.subject == intent_of(shop, placed)
    assert (found.what, found.order_number) == ("paid there, not here", None)


def test_what_was_paid_here_and_not_there_is_named(shop: Shop) -> None:
    placed = paid(shop)
    shop.emulator.reset()

    assert differences(shop) == [
        Difference(
            "paid here, not there",
            placed.session_id,
            placed.answer["number"],
            "EUR",
            8000,
            None,
        )
    ]


def test_an_order_paid_here_without_a_session_is_named_by_itself(shop: Shop) -> None:
    placed = paid(shop)
    shop.rows("UPDATE orders SET provider_session_id = NULL")
    shop.emulator.reset()

    (found,) = differences(shop)

    assert found.subject == placed.id


@pytest.mark.parametrize(
    ("change", "here", "currency"),
    [("total_amount = 9000", 9000, "EUR"), ("currency = 'USD'", 8000, "EUR")],
)
def test_another_amount_or_currency_is_named(
    shop: Shop, change: str, here: int, currency: str
) -> None:
    placed = paid(shop)
    shop.rows(f"UPDATE orders SET {change}")  # noqa: S608

    assert differences(shop) == [
        Difference(
            "another amount",
            intent_of(shop, placed),
            placed.answer["number"],
            currency,
            here,
            8000,
        )
    ]


def test_a_refund_that_we_do_not_know_is_named(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    shop.emulator.drop_webhooks()
    made = refund(shop, dashboard, placed, amount=700)

    number = placed.answer["number"]
    assert differences(shop) == [
        Difference("another refund", made, number, "EUR", None, 700)
    ]


def test_a_refund_that_failed_there_and_stands_here_is_named(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    made = refund(shop, dashboard, placed, amount=700)
    shop.emulator.drop_webhooks()
    shop.emulator.turn_refund(made, "failed")

    number = placed.answer["number"]
    assert differences(shop) == [
        Difference("another refund", made, number, "EUR", 700, 0)
    ]


def test_what_lies_outside_the_window_is_not_compared(shop: Shop) -> None:
    paid(shop)
    shop.rows("UPDATE orders SET paid_at = now() - interval '2 days'")
    shop.emulator.reset()

    assert differences(shop) == []


def test_strangers_on_the_same_account_are_left_out(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    shop.emulator.drop_webhooks()
    made = dashboard.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://other.example/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 999,
                        "product_data": {"name": "Something else"},
                    },
                }
            ],
        }
    )
    shop.emulator.pay(made.id)
    intent = shop.emulator.session(made.id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent})

    assert differences(shop) == []


def test_every_page_of_the_books_is_read(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    shop.emulator.drop_webhooks()
    intent = intent_of(shop, placed)
    for _ in range(101):
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": 1})

    assert len(differences(shop)) == 101
