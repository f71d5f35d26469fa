"""The checker sees: each invariant, broken by hand, is told in a sentence."""

import pytest

from tests.fixtures.shop import Placed, Shop


@pytest.fixture
def sale(shop: Shop) -> Placed:
    """Give a paid order with its letters sent."""
    placed = shop.place()
    shop.pay(placed)
    shop.run_job("send-mail")
    assert shop.check() == []
    return placed


BREAKS = {
    "belongs to 0 orders": "UPDATE orders SET provider_payment_intent_id = 'pi_other'",
    "without a payment": "UPDATE orders SET provider_payment_intent_id = NULL",
    "differ in amount": "UPDATE orders SET total_amount = 7999",
    "Stripe 0": "UPDATE orders SET amount_refunded = 100",
    "for its refunds": "UPDATE orders SET status = 'refunded'",
    "was paid 0 times": "DELETE FROM order_events WHERE event_type = 'paid'",
    "was never created": "DELETE FROM order_events WHERE event_type = 'created'",
    "has no receipt": "DELETE FROM letters WHERE kind = 'receipt'",
    "no receipt of its own": "INSERT INTO letters (id, kind, cause, order_id,"
    " recipient, context) SELECT gen_random_uuid(), kind, 'doubled', order_id,"
    " recipient, context FROM letters WHERE kind = 'receipt'",
    "is a copy for somebody": "INSERT INTO letters (id, kind, cause, order_id,"
    " recipient, context) SELECT gen_random_uuid(), 'receipt_again', 'x', order_id,"
    " 'eve@example.com', context FROM letters WHERE kind = 'receipt'",
    "has a receipt and is not paid": "UPDATE orders SET status = 'canceled',"
    " paid_at = NULL",
    "is not in the mailbox": "UPDATE letters SET id = gen_random_uuid()",
    "never written down": "DELETE FROM letters",
    "is parked without a reason": "UPDATE letters SET parked_at = now()",
    "is parked and nobody was told": "UPDATE letters SET parked_at = now(),"
    " last_error = 'x'",
    "The letter": "UPDATE letters SET sent_at = NULL,"
    " due_at = now() - interval '1 hour'",
    "we hold 7999": "UPDATE orders SET total_amount = 7999",
    "The event": "UPDATE stripe_events SET outcome = NULL,"
    " received_at = now() - interval '1 hour'",
}


@pytest.mark.parametrize(("sentence", "statement"), BREAKS.items())
def test_what_is_broken_is_told(
    shop: Shop, sale: Placed, sentence: str, statement: str
) -> None:
    shop.rows(f"SET LOCAL session_replication_role = replica; {statement}")

    assert any(sentence in told for told in shop.check())


def test_an_order_past_its_deadline_is_told(shop: Shop) -> None:
    placed = shop.place()
    shop.let_deadline_pass(placed.id)

    assert any("past its deadline" in told for told in shop.check())


def test_an_open_page_of_an_order_given_up_is_told(shop: Shop) -> None:
    shop.place()
    shop.rows("UPDATE orders SET status = 'canceled'")

    assert any("its page is open" in told for told in shop.check())
