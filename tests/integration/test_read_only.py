"""A database that takes no changes, as a replica that nobody has promoted yet."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from tests.factories.events import (
    complete_session,
    deliver,
    event,
    payment_of,
    problem_of,
)
from tests.fixtures.shop import Placed, Shop

PAID, SUCCEEDED = "checkout.session.completed", "payment_intent.succeeded"


def set_default(shop: Shop, value: str) -> None:
    """Have each connection that is made from now on take changes, or none."""
    with closing(psycopg2.connect(shop.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            name = connection.info.dbname
            setting = "default_transaction_read_only"
            cursor.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'storefront' AND datname = %s",
                [name],
            )


@pytest.fixture
def placed(shop: Shop) -> Iterator[Placed]:
    """Give an order in a database that takes no changes any more."""
    placed = shop.place()
    set_default(shop, "on")
    yield placed
    set_default(shop, "off")


def test_the_shop_is_not_ready_but_shows_what_there_is(
    shop: Shop, placed: Placed
) -> None:
    ready = shop.get("/readyz")

    assert ready.status_code == 503
    assert ready.json()["reason"] == "the database takes no changes"
    assert shop.get("/").status_code == 200
    assert shop.get(f"/api/orders/{placed.id}").json()["status"] == "pending"


def test_who_would_buy_is_told_to_come_again(shop: Shop, placed: Placed) -> None:
    problem_of(shop.checkout(), 503)

    set_default(shop, "off")
    assert shop.checkout().status_code == 201


@pytest.mark.parametrize("kind", [PAID, SUCCEEDED])
def test_stripe_is_told_to_come_again(shop: Shop, placed: Placed, kind: str) -> None:
    makes = {PAID: complete_session, SUCCEEDED: payment_of}
    told = event(kind, makes[kind](shop, placed))

    answer = deliver(shop, told)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    set_default(shop, "off")
    assert deliver(shop, told).json()["outcome"] == "applied"
    assert shop.history(placed.id) == ["created", "paid"]
