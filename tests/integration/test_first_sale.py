"""The sale from end to end, over HTTP, with every neighbour real."""

from tests.fixtures.shop import CUSTOMER, Shop


def test_a_checkout_is_paid_by_webhook_and_the_receipt_arrives(shop: Shop) -> None:
    placed = shop.place()
    assert shop.order(placed.id)["status"] == "pending"

    shop.pay(placed)

    order = shop.order(placed.id)
    assert order["status"] == "paid"
    assert order["total_amount"] == 8000
    assert shop.history(placed.id) == ["created", "paid"]
    shop.run_job("send-mail")
    to = sorted(str(letter.message["To"]) for letter in shop.mailbox.letters)
    assert to == [CUSTOMER["email"], "owner@lunaria.example"]
