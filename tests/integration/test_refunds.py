"""Refunds: whoever made them, in whatever order they are told of."""

from typing import Any

import stripe

from tests.fixtures.shop import Placed, Shop


def refund(
    shop: Shop, dashboard: stripe.StripeClient, placed: Placed, **more: Any
) -> str:
    """Refund at Stripe, and let it tell."""
    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    made = dashboard.v1.refunds.create({"payment_intent": intent, **more})
    shop.emulator.wait()
    return made.id


def paid(shop: Shop, **given: Any) -> Placed:
    placed = shop.place()
    shop.pay(placed, **given)
    return placed


def refunded_by_hint(shop: Shop, dashboard: stripe.StripeClient) -> Placed:
    """Give an order of which five euros went back, and only the sum was told."""
    placed = paid(shop)
    shop.emulator.drop_webhooks("refund.*")
    refund(shop, dashboard, placed, amount=500)
    return placed


def test_a_full_refund_makes_the_order_refunded(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)

    refund(shop, dashboard, placed)

    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("refunded", 8000)
    assert shop.history(placed.id) == ["created", "paid", "refunded"]


def test_partial_refunds_leave_it_paid_until_all_is_returned(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    """Row 52: the sum follows Stripe's, refund by refund."""
    placed = paid(shop)

    for amount in (1000, 2500):
        refund(shop, dashboard, placed, amount=amount)
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 3500)

    refund(shop, dashboard, placed, amount=4500)
    assert shop.order(placed.id)["status"] == "refunded"
    assert shop.history(placed.id) == ["created", "paid", *["refunded"] * 3]


def test_a_refund_that_fails_later_is_taken_back(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    refund_id = refund(shop, dashboard, placed)

    shop.emulator.turn_refund(refund_id, "failed")
    shop.emulator.wait()
    shop.run_job("read-refunds")

    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 0)
    amounts = [
        row["amount"]
        for row in shop.rows(
            "SELECT (event_metadata->>'amount')::int AS amount FROM order_events"
            " WHERE event_type = 'refunded' ORDER BY sequence"
        )
    ]
    assert amounts == [8000, -8000]


def test_a_refund_told_of_before_its_payment_is_kept_and_matched(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    """Row 3: it waits for its payment."""
    shop.emulator.hold_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 3000})
    shop.emulator.set_faults()
    events = shop.emulator.events()
    refunds_first = sorted(events, key=lambda e: not e["type"].startswith("refund."))

    for event in refunds_first:
        shop.emulator.resend(event["id"])
        shop.emulator.wait()

    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 3000)
    assert sorted(shop.history(placed.id)) == ["created", "paid", "refunded"]


def test_a_hint_alone_has_the_refunds_read_from_stripe(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    """Rows 54 and 55: made at Stripe's dashboard, told of as a sum only."""
    placed = refunded_by_hint(shop, dashboard)
    assert shop.order(placed.id)["amount_refunded"] == 0
    shop.run_job("read-refunds")

    assert shop.order(placed.id)["amount_refunded"] == 500
    assert shop.rows("SELECT * FROM refund_readings") == []


def test_a_reading_waits_for_stripe_to_come_back(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = refunded_by_hint(shop, dashboard)

    shop.emulator.fail(503)
    shop.run_job("read-refunds")
    assert shop.order(placed.id)["amount_refunded"] == 0

    shop.emulator.set_faults()
    shop.run_job("read-refunds")
    assert shop.order(placed.id)["amount_refunded"] == 500


def test_a_reading_is_tried_again_every_ten_minutes_at_last(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    refunded_by_hint(shop, dashboard)
    shop.rows("UPDATE refund_readings SET tries = 20")

    shop.emulator.fail(503)
    shop.run_job("read-refunds")

    (pause,) = shop.rows("SELECT due_at - now() AS pause FROM refund_readings")
    assert 590 < pause["pause"].total_seconds() <= 600


def test_a_refund_sends_its_own_letter_and_no_second_receipt(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    """Row 43: a letter of its own, once."""
    placed = paid(shop)
    refund(shop, dashboard, placed)

    letters = shop.rows("SELECT kind FROM letters WHERE order_id = %s", placed.id)

    assert sorted(one["kind"] for one in letters) == ["new_order", "receipt", "refund"]


def test_the_smallest_refund_sends_its_letter_too(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    refund(shop, dashboard, placed, amount=1)
    sent = shop.rows("SELECT kind FROM letters WHERE order_id = %s", placed.id)
    assert "refund" in [one["kind"] for one in sent]


def test_a_strangers_refund_changes_nothing(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid(shop)
    shop.rows("UPDATE checkout_attempts SET provider_payment_intent_id = 'pi_other'")

    refund(shop, dashboard, placed, amount=700)

    assert shop.order(placed.id)["amount_refunded"] == 0
