"""The counters of the rate limit: a window that begins with its first hit."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import SQLAlchemyError

from storefront.checkout.limits import PostgresStorage, count_checkout
from storefront.errors import TooManyCheckouts
from storefront.transaction import transaction
from tests.fixtures.shop import OpenShop, Shop


@pytest.fixture
def storage(shop: Shop) -> Iterator[PostgresStorage]:
    """Give the storage inside a transaction."""
    with shop.app.app_context(), transaction():
        yield PostgresStorage()


def test_hits_add_up_within_a_window(storage: PostgresStorage) -> None:
    assert storage.incr("a", 60) == 1
    assert storage.incr("a", 60, 2) == 3
    assert storage.incr("b", 60, 4) == 4
    assert (storage.get("a"), storage.get("b"), storage.get("c")) == (3, 4, 0)


def test_a_window_that_is_over_begins_anew(shop: Shop) -> None:
    with shop.app.app_context():
        storage = PostgresStorage()
        with transaction():
            storage.incr("a", 60, 5)
        first = storage.get_expiry("a")
        shop.rows("UPDATE rate_counters SET expires_at = now() - interval '1 second'")
        with transaction():
            assert storage.get("a") == 0
            assert storage.incr("a", 60, 2) == 2
            assert storage.get_expiry("a") > first
            end = storage.get_expiry("a")
        with transaction():
            assert storage.incr("a", 60) == 3
            assert storage.get_expiry("a") == end


def test_the_end_of_a_window_is_known(storage: PostgresStorage, shop: Shop) -> None:
    (now,) = shop.row("SELECT extract(epoch FROM now())::float AS now").values()
    storage.incr("a", 60)
    assert storage.get_expiry("a") == pytest.approx(now + 60, abs=5)
    assert storage.get_expiry("never") == 0.0


def test_counts_can_be_forgotten(storage: PostgresStorage) -> None:
    for key in ("a", "b", "c"):
        storage.incr(key, 60)
    storage.clear("a")
    assert (storage.get("a"), storage.get("b")) == (0, 1)
    assert storage.reset() == 2
    assert storage.get("b") == 0


def test_the_storage_says_that_it_works(storage: PostgresStorage) -> None:
    assert storage.check() is True
    assert issubclass(SQLAlchemyError, storage.base_exceptions)


def test_whoever_is_refused_is_told_the_seconds_until_the_window_ends(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute")
    with shop.app.app_context():
        count_checkout("192.0.2.1")
        count_checkout("192.0.2.2")
        for left, told in (("30.4", 30), ("0.2", 1)):
            shop.rows(
                f"UPDATE rate_counters SET expires_at = now() + interval '{left} s'"  # noqa: S608
            )
            with pytest.raises(TooManyCheckouts) as refused:
                count_checkout("192.0.2.1")
            assert refused.value.retry_after == told
