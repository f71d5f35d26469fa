"""Giving up: Stripe is asked first, and money always wins."""

import pytest

from storefront.checkout import expire_orders, expire_sessions
from storefront.scheduler.claims import database_time
from tests.fixtures.shop import OpenShop, Shop


def test_an_order_within_its_time_is_left_alone(shop: Shop) -> None:
    placed = shop.place()

    assert shop.run_job("expire-orders") == 0

    assert shop.order(placed.id)["status"] == "pending"


def test_an_overdue_order_is_canceled_and_its_page_closed_at_stripe(
    shop: Shop,
) -> None:
    placed = shop.place()
    shop.let_deadline_pass(placed.id)

    assert shop.run_job("expire-orders") == 1

    assert shop.order(placed.id)["status"] == "canceled"
    assert shop.emulator.session(placed.session_id)["status"] == "expired"
    assert shop.history(placed.id) == ["created", "canceled"]


def test_an_overdue_order_that_was_paid_is_paid(shop: Shop) -> None:
    """Row 30: Stripe is asked first, and money wins."""
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    shop.let_deadline_pass(placed.id)

    shop.run_job("expire-orders")

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]


def test_while_stripe_is_away_an_overdue_order_stays_pending(shop: Shop) -> None:
    """Row 30: nothing is given up while Stripe cannot say."""
    placed = shop.place()
    shop.let_deadline_pass(placed.id)
    shop.emulator.fail(503)

    shop.run_job("expire-orders")
    assert shop.order(placed.id)["status"] == "pending"

    shop.emulator.set_faults()
    shop.run_job("expire-orders")
    assert shop.order(placed.id)["status"] == "canceled"


def test_a_payment_at_the_bank_is_not_given_up(shop: Shop) -> None:
    """Row 7: days may pass; nothing is handed out before the money."""
    placed = shop.place()
    shop.pay(placed, "delayed")
    assert shop.order(placed.id)["status"] == "pending"
    assert shop.row("SELECT expires_at FROM orders")["expires_at"] is None

    assert shop.run_job("expire-orders") == 0

    shop.pay(placed, "delayed_succeeds")
    assert shop.order(placed.id)["status"] == "paid"


def test_a_payment_that_failed_at_the_bank_fails_the_order(shop: Shop) -> None:
    """Row 7: a failure closes the order, and it can be paid again."""
    placed = shop.place()
    shop.pay(placed, "delayed_fails")

    assert shop.order(placed.id)["status"] == "failed"
    assert shop.history(placed.id) == ["created", "failed"]


def test_a_session_that_stripe_does_not_know_is_closed_and_told(shop: Shop) -> None:
    placed = shop.place()
    shop.let_deadline_pass(placed.id)
    shop.emulator.reset()

    assert shop.run_job("expire-orders") == 1

    assert shop.order(placed.id)["status"] == "canceled"
    matter = shop.row("SELECT reason, subject FROM matters")
    assert matter == {
        "reason": "session unknown at stripe",
        "subject": placed.session_id,
    }


def test_an_order_without_a_session_expires_by_age_alone(shop: Shop) -> None:
    """Row 21: nothing was ever asked of Stripe."""
    shop.emulator.fail(503)
    assert shop.checkout(key="lost").status_code == 503
    shop.emulator.set_faults()
    order_id = shop.row("SELECT id FROM orders")["id"]
    outdate(shop, order_id)

    shop.run_job("expire-orders")

    assert shop.order(order_id)["status"] == "canceled"
    assert shop.emulator.ledger()["sessions"] == []


def test_a_session_whose_making_was_never_heard_of_is_closed_too(shop: Shop) -> None:
    """Stripe made it, the answer was lost, and the process died: it must not stay."""
    placed = shop.place()
    shop.rows(
        "UPDATE checkout_attempts SET provider_session_id = NULL, state = 'prepared'"
    )
    shop.rows("UPDATE orders SET provider_session_id = NULL")
    shop.let_deadline_pass(placed.id)

    shop.run_job("expire-orders")

    assert shop.order(placed.id)["status"] == "canceled"
    assert shop.emulator.session(placed.session_id)["status"] == "expired"


def test_a_payment_on_a_canceled_order_revives_it_and_tells_the_owner(
    shop: Shop,
) -> None:
    """Row 5: late money is never orphaned."""
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    shop.rows("UPDATE checkout_attempts SET state = 'expired'")
    shop.rows("UPDATE orders SET status = 'canceled'")

    (event,) = shop.emulator.events("checkout.session.completed")
    shop.emulator.set_faults()
    shop.emulator.resend(event["id"])
    shop.emulator.wait()

    assert shop.order(placed.id)["status"] == "paid"
    letter = shop.row("SELECT context FROM letters WHERE kind = 'new_order'")
    assert letter["context"] == {"revived": True}


def test_the_page_of_an_order_paid_another_way_is_closed(shop: Shop) -> None:
    """A second open page could be paid too."""
    first = shop.place()
    shop.let_deadline_pass(first.id)
    shop.run_job("expire-orders")
    with shop.app.app_context():
        from uuid import UUID

        from storefront.checkout.open_payment import open_payment

        open_payment(UUID(first.id))
    second = shop.row("SELECT provider_session_id FROM orders")["provider_session_id"]
    shop.rows(
        "UPDATE checkout_attempts SET state = 'paid' WHERE provider_session_id = %s",
        first.session_id,
    )
    shop.rows("UPDATE orders SET status = 'paid', paid_at = now()")

    shop.run_job("expire-orders")

    assert shop.emulator.session(second)["status"] == "expired"
    assert shop.order(first.id)["status"] == "paid"


def outdate(shop: Shop, order_id: str) -> None:
    """Let the time of an order pass, also within what Stripe would be asked for."""
    shop.let_deadline_pass(order_id)
    shop.rows(
        "UPDATE checkout_attempts SET parameters = jsonb_set(parameters,"
        " '{expires_at}', to_jsonb(extract(epoch FROM now())::int - 60))"
    )


def test_an_error_of_one_order_keeps_no_other_waiting(
    open_shop: OpenShop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Row 25: Stripe answers, but not with anything of use, for some of them."""
    shop = open_shop()
    monkeypatch.setattr(expire_orders, "BATCH", 3)
    bad, good = [shop.place() for _ in range(2)], [shop.place() for _ in range(3)]
    for placed in (*bad, *good):
        shop.let_deadline_pass(placed.id)
    shop.emulator.set_faults(
        *(
            {
                "where": "api",
                "do": "answer",
                "status": 500,
                "path": f"/v1/checkout/sessions/{placed.session_id}/expire",
            }
            for placed in bad
        )
    )

    assert shop.run_job("expire-orders") == 3

    assert {shop.order(one.id)["status"] for one in bad} == {"pending"}
    assert {shop.order(one.id)["status"] for one in good} == {"canceled"}
    # Whoever looks into the log finds which ones.
    told = capsys.readouterr().out
    untold = [one for one in bad if f"order {one.id} waits" not in told]
    assert not untold, told


def test_what_stripe_answered_before_it_fell_silent_is_settled_and_the_run_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 25: told to ask less, the expiry asks no more."""
    # Whichever are taken first, one is silent, and one is not.
    monkeypatch.setattr(expire_orders, "BATCH", 3)
    monkeypatch.setattr(expire_sessions, "PER_SECOND", 1000)
    silent, others = [[shop.place(), shop.place()] for _ in range(2)]
    for placed in (*silent, *others):
        shop.let_deadline_pass(placed.id)
    begun = shop.row("SELECT now() AS now")["now"]
    paths = [f"/v1/checkout/sessions/{one.session_id}/expire" for one in silent]
    shop.emulator.set_faults(
        {"where": "api", "do": "delay", "ms": 300},
        *(
            {"where": "api", "do": "answer", "status": 429, "path": path}
            for path in paths
        ),
    )

    closed = shop.run_job("expire-orders")

    taken = shop.rows("SELECT id FROM checkout_attempts WHERE asked_at > %s", begun)
    assert len(taken) == 3
    assert all(shop.order(one.id)["status"] == "pending" for one in silent)
    states = [shop.order(one.id)["status"] for one in others]
    assert states.count("canceled") == closed >= 1
    shop.emulator.set_faults()
    assert shop.run_job("expire-orders") == 4 - closed


def test_a_batch_that_gets_nothing_of_use_ends_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_orders, "BATCH", 1)
    for _ in range(2):
        shop.let_deadline_pass(shop.place().id)
    # Stripe's client asks three times before it gives the answer on.
    shop.emulator.fail(500, times=3)

    assert shop.run_job("expire-orders") == 0
    assert shop.run_job("expire-orders") == 2


def test_all_batches_are_taken_one_after_the_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_orders, "BATCH", 2)
    orders = [shop.place() for _ in range(5)]
    for placed in orders:
        shop.let_deadline_pass(placed.id)

    assert shop.run_job("expire-orders") == 5

    assert all(shop.history(one.id) == ["created", "canceled"] for one in orders)


def test_a_run_that_is_told_to_end_does_so_between_batches(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_orders, "BATCH", 2)
    for _ in range(4):
        shop.let_deadline_pass(shop.place().id)
    answers = iter([True, False])
    with shop.app.app_context():
        closed = expire_orders.expire_orders(database_time(), lambda: next(answers))

    assert closed == 2


def test_an_answer_about_another_session_cancels_nothing(shop: Shop) -> None:
    asked, meant = shop.place(), shop.place()
    shop.let_deadline_pass(asked.id)
    shop.emulator.set_faults(
        {"where": "webhooks", "do": "drop"},
        {
            "where": "api",
            "do": "rewrite",
            "members": {"id": meant.session_id},
            "path": f"/v1/checkout/sessions/{asked.session_id}/expire",
        },
    )

    shop.run_job("expire-orders")

    assert shop.order(meant.id)["status"] == "pending"
    assert shop.order(asked.id)["status"] == "pending"
    shop.emulator.set_faults()
    shop.run_job("expire-orders")
    assert shop.order(asked.id)["status"] == "canceled"
