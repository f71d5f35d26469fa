"""Taking work: as much as a batch holds, however Postgres plans the question."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from storefront.checkout import ask_stripe, expire_orders
from storefront.extensions import db
from storefront.letters import delivery
from storefront.scheduler.claims import database_time
from tests.fixtures.shop import Shop

# What is left is a loop that asks the inner question again for every row.
OTHER_PLANS = ("hashagg", "hashjoin", "material", "mergejoin", "sort")


@contextmanager
def planned_badly(shop: Shop) -> Iterator[None]:
    """Have Postgres plan as it may while it knows little about its tables."""
    with shop.app.app_context():
        for plan in OTHER_PLANS:
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


def test_the_mail_takes_one_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    for _ in range(2):
        shop.pay(shop.place())

    with planned_badly(shop):
        assert delivery.send_letters(database_time(), one_batch()) == 2
