"""The inbox: what is kept of each delivery, and what Stripe is told."""

import time

import pytest

from storefront.webhooks import inbox
from tests.factories.events import (
    complete_session,
    deliver,
    event,
    payment_of,
    session_of,
)
from tests.fixtures.postgres_server import held
from tests.fixtures.shop import Shop

DONE = "checkout.session.completed"


def now() -> int:
    return int(time.time())


def kept(shop: Shop) -> dict[str, object]:
    return shop.row("SELECT type, outcome, error, deliveries FROM stripe_events")


@pytest.mark.parametrize("age", [0, 3600])
def test_a_delivery_is_answered_with_what_became_of_it(shop: Shop, age: int) -> None:
    told = event(DONE, complete_session(shop, shop.place()), created=now() - age)

    assert deliver(shop, told).json() == {"received": True, "outcome": "applied"}
    assert deliver(shop, told).json() == {"received": True, "outcome": "repeated"}

    assert kept(shop) == {
        "type": DONE,
        "outcome": "applied",
        "error": None,
        "deliveries": 1,
    }
    assert shop.row("SELECT payload FROM stripe_events")["payload"] == told


@pytest.mark.parametrize("created", [None, "today", [], 0, -1, 2.5, 10**40, True])
def test_what_an_event_says_of_its_time_decides_nothing(
    shop: Shop, created: object
) -> None:
    told = event(DONE, complete_session(shop, shop.place()), created=created)

    assert deliver(shop, told).json()["outcome"] == "applied"
    assert deliver(shop, told).json()["outcome"] == "repeated"


def test_an_event_that_comes_again_waits_for_no_lock_of_its_order(shop: Shop) -> None:
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed), created=now() - 60)
    deliver(shop, told)

    lock = "SELECT FROM orders WHERE id = %s FOR UPDATE"
    with held(shop.database_url, lock, placed.id):
        assert deliver(shop, told).json()["outcome"] == "repeated"


def test_an_event_of_no_use_is_answered_so(shop: Shop) -> None:
    told = event("customer.created", {"id": "cus_1"})

    assert deliver(shop, told).json() == {"received": True, "outcome": "ignored"}


def test_an_event_that_cannot_be_read_is_answered_so(shop: Shop) -> None:
    told = event(DONE, session_of(shop, shop.place(), status=None))

    assert deliver(shop, told).json() == {"received": True, "outcome": "unusable"}


def test_an_event_that_failed_keeps_why_and_counts_its_deliveries(shop: Shop) -> None:
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed), created=now() - 60)
    shop.lose_orders()

    assert [deliver(shop, told).status_code for _ in range(3)] == [503] * 3

    assert kept(shop) == {
        "type": DONE,
        "outcome": None,
        "error": "OrderUnknown: Stripe speaks of an order that is not here.",
        "deliveries": 3,
    }


def test_an_event_that_applies_at_last_has_no_error_any_more(shop: Shop) -> None:
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed), created=now() - 60)
    shop.rows("ALTER TABLE letters RENAME TO letters_away")
    try:
        assert deliver(shop, told).status_code == 500
    finally:
        shop.rows("ALTER TABLE letters_away RENAME TO letters")
    why = str(kept(shop)["error"])
    assert why.startswith("ProgrammingError: ")
    assert "\n" not in why
    assert shop.order(placed.id)["status"] == "pending"

    deliver(shop, told)

    assert kept(shop) == {
        "type": DONE,
        "outcome": "applied",
        "error": None,
        "deliveries": 2,
    }


def test_why_an_event_failed_is_kept_in_short(shop: Shop) -> None:
    told = event(DONE, {})
    handlers = dict(inbox.HANDLERS)

    def fail(_: object) -> bool:
        raise ValueError("x" * 600 + "\nAna Lima")

    inbox.HANDLERS[DONE] = fail
    try:
        with shop.app.app_context(), pytest.raises(ValueError, match="xxx"):
            inbox.receive(told)
    finally:
        inbox.HANDLERS.update(handlers)

    assert kept(shop)["error"] == f"ValueError: {'x' * 488}"


def test_text_that_cannot_be_stored_is_kept_without_it(shop: Shop) -> None:
    told = event(DONE, session_of(shop, shop.place(), note="a\x00b"))

    assert deliver(shop, told).json() == {"received": True, "outcome": "unusable"}

    assert kept(shop)["outcome"] == "unusable"
    row = shop.row("SELECT payload FROM stripe_events")
    assert row["payload"] == {"id": told["id"], "type": DONE}


# Whose it is, where nothing bears our mark


def test_a_payment_known_by_its_id_alone_settles_its_order(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed, "delayed")
    known = shop.emulator.session(placed.session_id)["payment_intent"]

    payment = payment_of(shop, placed, id=known, metadata={})
    told = event("payment_intent.succeeded", payment)

    assert deliver(shop, told).json()["outcome"] == "applied"
    assert shop.order(placed.id)["status"] == "paid"


@pytest.mark.parametrize(
    ("payment", "outcome"),
    [("known", "applied"), ("pi_other", "ignored"), (None, "ignored"), (7, "ignored")],
)
def test_a_declined_card_concerns_us_where_its_payment_does(
    shop: Shop, payment: object, outcome: str
) -> None:
    placed = shop.place()
    shop.pay(placed, "delayed")
    known = shop.emulator.session(placed.session_id)["payment_intent"]
    declined = {"id": known if payment == "known" else payment, "metadata": {}}

    answer = deliver(shop, event("payment_intent.payment_failed", declined))

    assert answer.json()["outcome"] == outcome
    assert shop.order(placed.id)["status"] == "pending"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"metadata": {}}, "applied"),
        ({"payment_intent": "pi_other"}, "applied"),
        ({"metadata": {}, "payment_intent": "pi_other"}, "ignored"),
    ],
    ids=["by its id", "by our mark", "by nothing"],
)
def test_a_hint_of_refunds_counts_where_the_payment_is_ours(
    shop: Shop, changes: dict[str, object], outcome: str
) -> None:
    placed = shop.place()
    shop.pay(placed)
    charge = shop.emulator.charge_of(placed.session_id) | changes

    answer = deliver(shop, event("charge.refunded", charge))

    assert answer.json()["outcome"] == outcome
    hints = shop.rows("SELECT * FROM refund_readings")
    assert len(hints) == (outcome == "applied")


@pytest.mark.parametrize("members", [{"account": "acct_1"}, {"livemode": True}])
def test_news_of_another_account_or_mode_pays_nothing(
    shop: Shop, members: dict[str, object]
) -> None:
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed), **members)

    assert deliver(shop, told).json()["outcome"] == "ignored"

    assert shop.order(placed.id)["status"] == "pending"
    assert shop.rows("SELECT * FROM matters") == []
