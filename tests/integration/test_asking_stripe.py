"""Whom Stripe is asked about, how often, and when that stops."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import stripe

from storefront.checkout.ask_stripe import ask_unfinished, look_again, read_refunds
from storefront.checkout.expire_orders import expire_orders
from storefront.orders.queries import find_order_by_number
from tests.factories.events import deliver, event, pay_by_events
from tests.fixtures.shop import Placed, Shop

Work = Callable[[datetime, Callable[[], bool]], int]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def always() -> bool:
    return True


def run(shop: Shop, work: Work, until: datetime, go_on: Callable[[], bool]) -> int:
    with shop.app.app_context():
        return work(until, go_on)


def let_seconds_pass(shop: Shop, seconds: float) -> None:
    """Have Stripe been asked so long ago, by the database's clock."""
    shop.rows(
        "UPDATE checkout_attempts SET asked_at = now() - make_interval(secs => %s)",
        seconds,
    )


def looks(shop: Shop, placed: Placed) -> bool:
    """Look at an order's page; whether Stripe was asked."""
    with shop.app.app_context():
        order = find_order_by_number(placed.answer["number"])
        assert order is not None
        return look_again(order)


# From the page


def test_a_page_asks_every_four_seconds(shop: Shop) -> None:
    placed = shop.place()
    let_seconds_pass(shop, 3.5)
    assert not looks(shop, placed)

    let_seconds_pass(shop, 4.1)
    assert looks(shop, placed)
    assert not looks(shop, placed)


def test_a_page_asks_about_its_own_order_alone(shop: Shop) -> None:
    first, second = shop.place(), shop.place()
    let_seconds_pass(shop, 60)

    assert looks(shop, first)
    assert looks(shop, second)


def test_a_page_asks_nothing_about_what_ended_while_it_was_read(shop: Shop) -> None:
    placed = shop.place()
    let_seconds_pass(shop, 60)

    with shop.app.app_context():
        order = find_order_by_number(placed.answer["number"])
        assert order is not None
        assert order.attempts
        pay_by_events(shop, placed)
        assert not look_again(order)


def test_a_page_asks_nothing_about_a_session_that_is_not_there_yet(shop: Shop) -> None:
    placed = shop.place()
    shop.rows("UPDATE checkout_attempts SET provider_session_id = NULL")
    let_seconds_pass(shop, 60)

    assert not looks(shop, placed)


def test_a_page_asks_nothing_about_what_has_ended(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    let_seconds_pass(shop, 60)

    assert not looks(shop, placed)


def test_a_page_that_got_no_answer_has_asked_all_the_same(shop: Shop) -> None:
    placed = shop.place()
    let_seconds_pass(shop, 60)
    shop.emulator.fail(503)

    assert looks(shop, placed)
    assert shop.order(placed.id)["status"] == "pending"


# By the clock

WORKS: dict[str, Work] = {
    "reconcile": ask_unfinished,
    "expire-orders": expire_orders,
}


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_each_is_asked_about_once_and_counted(shop: Shop, work: Work) -> None:
    for _ in range(3):
        shop.let_deadline_pass(shop.place().id)

    assert run(shop, work, datetime.now(UTC), always) == 3


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_what_was_asked_about_lately_is_left_alone(shop: Shop, work: Work) -> None:
    shop.let_deadline_pass(shop.place().id)

    assert run(shop, work, LONG_AGO, always) == 0


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_a_run_that_lost_its_lease_begins_nothing(shop: Shop, work: Work) -> None:
    placed = shop.place()
    shop.let_deadline_pass(placed.id)
    before = shop.rows("SELECT asked_at FROM checkout_attempts")

    assert run(shop, work, datetime.now(UTC), lambda: False) == 0

    assert shop.rows("SELECT asked_at FROM checkout_attempts") == before


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_a_run_takes_up_what_it_may_and_leaves_the_rest(shop: Shop, work: Work) -> None:
    for _ in range(2):
        shop.let_deadline_pass(shop.place().id)
    shop.emulator.fail(503)

    assert run(shop, work, datetime.now(UTC), always) == 0

    marks = shop.row("SELECT count(*) AS n FROM checkout_attempts WHERE state = 'open'")
    assert marks["n"] == 2


def test_what_was_done_before_stripe_went_away_is_counted(shop: Shop) -> None:
    orders = [shop.place() for _ in range(3)]
    for placed in orders:
        shop.let_deadline_pass(placed.id)
    shop.emulator.fail(503, path=f"/v1/checkout/sessions/{orders[2].session_id}*")

    closed = run(shop, expire_orders, datetime.now(UTC), always)

    row = shop.row("SELECT count(*) AS n FROM orders WHERE status = 'canceled'")
    assert closed == row["n"]


def test_an_order_at_the_bank_or_without_a_session_is_not_asked_to_end(
    shop: Shop,
) -> None:
    delayed, unanswered = shop.place(), shop.place()
    shop.pay(delayed, "delayed")
    shop.rows(
        "UPDATE checkout_attempts SET provider_session_id = NULL WHERE order_id = %s",
        unanswered.id,
    )

    assert run(shop, ask_unfinished, datetime.now(UTC), always) == 1
    assert run(shop, expire_orders, datetime.now(UTC), always) == 0


# Refunds that a hint has named


@pytest.fixture
def hinted(shop: Shop, dashboard: stripe.StripeClient) -> Shop:
    """Give a shop that knows of two payments only that refunds of theirs have moved."""
    for _ in range(2):
        placed = shop.place()
        shop.pay(placed)
        shop.emulator.drop_webhooks("refund.*")
        intent = shop.emulator.session(placed.session_id)["payment_intent"]
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": 500})
        shop.emulator.wait()
    return shop


def readings(shop: Shop) -> list[dict[str, int]]:
    """Give how often each was tried, and the seconds until the next try."""
    return shop.rows(
        "SELECT tries, round(extract(epoch FROM due_at - now()))::int AS seconds"
        " FROM refund_readings ORDER BY due_at"
    )


def test_each_hint_is_read_once_and_counted(hinted: Shop) -> None:
    assert run(hinted, read_refunds, datetime.now(UTC), always) == 2
    assert run(hinted, read_refunds, datetime.now(UTC), always) == 0
    assert readings(hinted) == []
    assert hinted.row("SELECT sum(amount_refunded) AS n FROM orders")["n"] == 1000


def test_hints_that_are_not_due_wait(hinted: Shop) -> None:
    assert run(hinted, read_refunds, LONG_AGO, always) == 0
    assert run(hinted, read_refunds, datetime.now(UTC), lambda: False) == 0
    assert [row["tries"] for row in readings(hinted)] == [0, 0]


def test_the_hint_that_waits_longest_is_read_first(hinted: Shop) -> None:
    second = hinted.row(
        "UPDATE refund_readings SET due_at = '2026-01-01' WHERE"
        " provider_payment_intent_id = (SELECT provider_payment_intent_id FROM"
        " refund_readings ORDER BY due_at DESC LIMIT 1)"
        " RETURNING provider_payment_intent_id AS id"
    )
    hinted.emulator.fail(503)

    assert run(hinted, read_refunds, datetime.now(UTC), always) == 0

    tried = hinted.row(
        "SELECT provider_payment_intent_id AS id FROM refund_readings WHERE tries > 0"
    )
    assert tried == second


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 10), (1, 20), (2, 40), (5, 320), (6, 600), (9, 600)]
)
def test_a_reading_that_fails_comes_back_after_growing_pauses(
    hinted: Shop, tries: int, seconds: int
) -> None:
    hinted.rows("DELETE FROM refund_readings WHERE due_at = (SELECT max(due_at)"
        " FROM refund_readings)")  # fmt: skip
    hinted.rows("UPDATE refund_readings SET tries = %s", tries)
    hinted.emulator.fail(503)
    run(hinted, read_refunds, datetime.now(UTC), always)

    (row,) = readings(hinted)

    assert row["tries"] == tries + 1
    assert row["seconds"] == pytest.approx(seconds, abs=3)


def test_by_hand_nothing_backs_off(hinted: Shop) -> None:
    hinted.rows("UPDATE refund_readings SET due_at = now() + interval '1 hour'")

    assert hinted.run_job("read-refunds") == 2


def test_a_payment_whose_refunds_stripe_refuses_to_tell_stops_no_other(
    hinted: Shop,
) -> None:
    hinted.emulator.fail(404, code="resource_missing", path="/v1/refunds*", times=1)

    assert run(hinted, read_refunds, datetime.now(UTC), always) >= 1

    left = hinted.row("SELECT count(*) AS n FROM refund_readings")["n"]
    done = hinted.row("SELECT sum(amount_refunded) AS n FROM orders")["n"]
    assert done == 500 * (2 - left)


def test_a_hint_that_comes_while_refunds_are_read_has_them_read_again(
    hinted: Shop,
) -> None:
    hinted.rows("UPDATE refund_readings SET due_at = '2026-01-01'")
    charge = hinted.emulator.events("charge.refunded")[0]["data"]["object"]
    hinted.rows(
        "DELETE FROM refund_readings WHERE provider_payment_intent_id <> %s",
        charge["payment_intent"],
    )
    hinted.emulator.be_slow(1500, path="/v1/refunds*", times=1)

    with ThreadPoolExecutor() as pool:
        once = iter([True, False])
        work = pool.submit(
            run, hinted, read_refunds, datetime.now(UTC), lambda: next(once)
        )
        claimed = "SELECT 1 FROM refund_readings WHERE tries = 1"
        while not (work.done() or hinted.rows(claimed)):
            time.sleep(0.01)
        deliver(hinted, event("charge.refunded", charge))
        assert not work.done()

    assert work.result() == 1
    assert [row["tries"] for row in readings(hinted)] == [0]


def test_another_hint_makes_a_reading_due_anew(
    hinted: Shop, dashboard: stripe.StripeClient
) -> None:
    hinted.rows("UPDATE refund_readings SET tries = 5, due_at = now() + interval '1 h'")
    hint = hinted.emulator.events("charge.refunded")[0]

    hinted.emulator.resend(hint["id"])
    hinted.rows("DELETE FROM stripe_events")
    hinted.emulator.resend(hint["id"])
    hinted.emulator.wait()

    first, second = readings(hinted)
    assert (first["tries"], second["tries"]) == (0, 5)
    assert first["seconds"] <= 0
