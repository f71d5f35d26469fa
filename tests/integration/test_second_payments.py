"""Two sessions of one order, both paid: one counts, the other is to be returned."""

import re

import pytest
import stripe

from tests.factories.events import complete_session, payment_of, tell
from tests.fixtures.shop import Placed, Shop


def pay_again(shop: Shop, placed: Placed) -> str:
    """Have another session made while the first can still be paid; give its id."""
    shop.emulator.fail(
        404,
        code="resource_missing",
        method="GET",
        path="/v1/checkout/sessions/*",
        times=1,
    )
    form = shop.get("/checkout?service_id=three-readings").text
    found = re.search(r'name="csrf_token" value="([^"]*)"', form)
    assert found
    answer = shop.post(f"/orders/{placed.token}/pay", data={"csrf_token": found[1]})
    assert answer.status_code == 303
    shop.rows("DELETE FROM matters")
    shop.emulator.set_faults()
    session_id: str = shop.row("SELECT provider_session_id FROM orders")[
        "provider_session_id"
    ]
    return session_id


def paid_twice(shop: Shop) -> tuple[Placed, str]:
    """Give an order that both of its sessions have paid, and the second session."""
    placed = shop.place()
    second = pay_again(shop, placed)
    for session in (placed.session_id, second):
        shop.emulator.pay(session)
        shop.emulator.wait()
    return placed, second


def intent_of(shop: Shop, session_id: str) -> str:
    intent: str = shop.emulator.session(session_id)["payment_intent"]
    return intent


def test_the_second_payment_is_a_matter_with_its_figures(shop: Shop) -> None:
    """Row 27: paid once, and the owner knows which payment to return."""
    placed, second = paid_twice(shop)

    assert shop.history(placed.id).count("paid") == 1
    order = shop.row("SELECT * FROM orders")
    assert order["status"] == "paid"
    assert order["provider_session_id"] == placed.session_id
    assert order["provider_payment_intent_id"] == intent_of(shop, placed.session_id)
    matter = shop.row("SELECT reason, subject, order_id, figures FROM matters")
    assert matter == {
        "reason": "second payment",
        "subject": second,
        "order_id": placed.id,
        "figures": {"paid": {"amount": 8000, "currency": "EUR"}},
    }


def test_a_session_that_could_still_be_paid_is_no_second_payment(shop: Shop) -> None:
    placed = shop.place()
    pay_again(shop, placed)
    shop.pay(placed)

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.rows("SELECT reason FROM matters") == []


def test_a_second_payment_that_came_without_its_session_is_known_by_its_attempt(
    shop: Shop,
) -> None:
    placed = shop.place()
    second = pay_again(shop, placed)
    shop.rows(
        "UPDATE checkout_attempts SET provider_session_id = NULL WHERE position = 2"
    )
    tell(shop, "checkout.session.completed", complete_session(shop, placed))

    mark = shop.emulator.session(second)["metadata"]
    twin = payment_of(shop, placed, id="pi_second", metadata=mark)
    tell(shop, "payment_intent.succeeded", twin)

    attempt = shop.row("SELECT id FROM checkout_attempts WHERE position = 2")
    assert shop.row("SELECT subject FROM matters") == {"subject": attempt["id"]}


def test_a_second_payment_that_was_returned_settles_its_matter(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    """Row 27: only when all of it has gone back; the order stays paid."""
    placed, second = paid_twice(shop)
    intent = intent_of(shop, second)

    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 7999})
    shop.emulator.wait()
    assert shop.row("SELECT settled_at FROM matters")["settled_at"] is None

    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 1})
    shop.emulator.wait()

    assert shop.row("SELECT settled_at FROM matters")["settled_at"] is not None
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 0)
    assert "refunded" not in shop.history(placed.id)


def test_a_refund_of_the_first_payment_does_not_settle_the_second(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    placed, _ = paid_twice(shop)

    intent = intent_of(shop, placed.session_id)
    dashboard.v1.refunds.create({"payment_intent": intent})
    shop.emulator.wait()

    assert shop.row("SELECT settled_at FROM matters")["settled_at"] is None
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("refunded", 8000)


@pytest.mark.parametrize("is_returned", [False, True])
def test_the_page_of_an_order_paid_another_way_is_closed(
    shop: Shop, dashboard: stripe.StripeClient, is_returned: bool
) -> None:
    """Row 27: nobody can pay it a second time from a tab left open."""
    placed = shop.place()
    second = pay_again(shop, placed)
    shop.pay(placed)
    if is_returned:
        intent = intent_of(shop, placed.session_id)
        dashboard.v1.refunds.create({"payment_intent": intent})
        shop.emulator.wait()
    status = shop.order(placed.id)["status"]

    assert shop.run_job("expire-orders") == 1

    assert shop.emulator.session(second)["status"] == "expired"
    assert shop.order(placed.id)["status"] == status
