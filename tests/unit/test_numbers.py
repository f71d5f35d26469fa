"""Order numbers and page tokens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.orders.numbers import (
    ALPHABET,
    LENGTH,
    SPAN,
    STRIDE,
    new_page_token,
    spell,
)
from tests.fixtures.shop import Placed, Shop

counts = st.integers(min_value=0, max_value=SPAN - 1)


def test_no_letter_is_mistaken_for_another() -> None:
    assert len(ALPHABET) == 32
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("01OI")
    assert not set(ALPHABET) & set(ALPHABET.lower()) - set("23456789")


@given(st.integers(min_value=0))
def test_every_number_is_seven_letters_of_the_alphabet(count: int) -> None:
    assert re.fullmatch(f"[{ALPHABET}]{{7}}", spell(count))


def test_no_number_comes_twice_among_the_first_hundred_thousand() -> None:
    assert len({spell(count) for count in range(100_000)}) == 100_000


@given(counts)
def test_a_number_belongs_to_one_count_alone(count: int) -> None:
    # Spelled backwards: a way back for each proves that no two meet.
    value = sum(
        ALPHABET.index(letter) * len(ALPHABET) ** place
        for place, letter in enumerate(spell(count))
    )
    assert value * pow(STRIDE, -1, SPAN) % SPAN == count


@given(counts, st.integers(min_value=1, max_value=100))
def test_all_numbers_are_used_before_one_repeats(count: int, laps: int) -> None:
    assert spell(count + laps * SPAN) == spell(count)


@pytest.mark.parametrize("place", range(LENGTH))
def test_the_first_orders_do_not_look_like_the_first_orders(place: int) -> None:
    # A letter that hardly moves tells how many orders there are.
    assert len({spell(count)[place] for count in range(1, 1001)}) >= 16


def test_page_tokens_are_256_bits_that_fit_an_address() -> None:
    tokens = {new_page_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


# After a backup was restored: lost orders come back with the numbers they had


def lose_everything(shop: Shop) -> None:
    """Restore the backup of a shop that had not sold anything yet."""
    for table in ("order_events", "checkout_attempts", "checkout_requests", "orders"):
        shop.rows(f"SET LOCAL session_replication_role = replica; DELETE FROM {table}")  # noqa: S608
    shop.rows("SELECT setval('order_number_seq', 1, false)")


@pytest.fixture
def lost(shop: Shop) -> Placed:
    """Give an order that is paid at Stripe, and that the database has lost."""
    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    lose_everything(shop)
    return placed


def test_an_order_that_came_back_leaves_room_for_the_next(
    shop: Shop, lost: Placed
) -> None:
    shop.run_job("reconcile")
    assert shop.order(lost.id)["number"] == lost.answer["number"]
    assert [shop.checkout().status_code for _ in range(3)] == [201, 201, 201]


def test_an_order_comes_back_also_when_its_number_was_given_away(
    shop: Shop, lost: Placed
) -> None:
    assert shop.place().answer["number"] == lost.answer["number"]
    shop.run_job("reconcile")
    assert shop.order(lost.id)["status"] == "paid"
