"""Taking work: as much as a batch holds, however Postgres plans the question."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import stripe
from sqlalchemy import text

from storefront.checkout import ask_stripe, expire_orders
from storefront.extensions import db
from storefront.letters import delivery
from storefront.scheduler.claims import database_time
from tests.fixtures.postgres_server import held
from tests.fixtures.shop import Shop

# What is left is a loop that asks the inner question again for every row.
OTHER_PLANS = ("hashagg", "hashjoin", "material", "mergejoin", "sort")


@contextmanager
def planned_badly(shop: Shop, plans: Sequence[str] = OTHER_PLANS) -> Iterator[None]:
    """Have Postgres plan as it may while it knows little about its tables."""
    with shop.app.app_context():
        for plan in plans:
            db.session.execute(text(f"SET enable_{plan} = off"))
        db.session.commit()
        yield
        db.session.remove()
        db.engine.dispose()


def one_batch() -> Callable[[], bool]:
    """Let a run take one batch and no more."""
    answers = iter([True, False])
    return lambda: next(answers)


def test_the_expiry_takes_one_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_orders, "BATCH", 2)
    for _ in range(4):
        shop.let_deadline_pass(shop.place().id)

    with planned_badly(shop):
        assert expire_orders.expire_orders(database_time(), one_batch()) == 2


def test_reconciling_takes_one_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_stripe, "BATCH", 2)
    for _ in range(4):
        shop.place()

    with planned_badly(shop):
        soon = database_time() + timedelta(minutes=1)
        assert ask_stripe.ask_unfinished(soon, one_batch()) == 2


def test_what_nobody_asked_about_for_longest_is_asked_about_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_stripe, "BATCH", 1)
    lately, long_ago = shop.place(), shop.place()
    for placed, minutes in ((lately, 10), (long_ago, 20)):
        shop.rows(
            "UPDATE checkout_attempts SET asked_at = now() - make_interval(mins => %s)"
            " WHERE order_id = %s",
            minutes,
            placed.id,
        )

    # An index would give them in that order by itself.
    with planned_badly(shop, ("indexscan", "bitmapscan")):
        assert ask_stripe.ask_unfinished(database_time(), one_batch()) == 1

    asked = shop.row(
        "SELECT order_id FROM checkout_attempts ORDER BY asked_at DESC LIMIT 1"
    )
    assert str(asked["order_id"]) == long_ago.id


@pytest.mark.parametrize(
    "work", [ask_stripe.ask_unfinished, expire_orders.expire_orders]
)
def test_an_attempt_in_somebody_elses_hand_keeps_no_other_waiting(
    shop: Shop, work: Callable[[datetime, Callable[[], bool]], int]
) -> None:
    taken, free = shop.place(), shop.place()
    for placed in (taken, free):
        shop.let_deadline_pass(placed.id)
    lock = "SELECT 1 FROM checkout_attempts WHERE order_id = %s FOR UPDATE"

    with shop.app.app_context(), held(shop.database_url, lock, taken.id):
        assert work(database_time(), one_batch()) == 1


def test_a_hint_of_refunds_in_somebody_elses_hand_keeps_no_other_waiting(
    shop: Shop, dashboard: stripe.StripeClient
) -> None:
    for _ in range(2):
        placed = shop.place()
        shop.pay(placed)
        intent = shop.emulator.session(placed.session_id)["payment_intent"]
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": 500})
        shop.emulator.wait()
    lock = "SELECT 1 FROM refund_readings ORDER BY due_at LIMIT 1 FOR UPDATE"

    with shop.app.app_context(), held(shop.database_url, lock):
        assert ask_stripe.read_refunds(database_time(), one_batch()) == 1


def test_the_mail_takes_one_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    for _ in range(2):
        shop.pay(shop.place())

    with planned_badly(shop):
        assert delivery.send_letters(database_time(), one_batch()) == 2
