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

counts = st.integers(min_value=0, max_value=SPAN - 1)


def test_no_letter_is_mistaken_for_another() -> None:
    assert len(ALPHABET) == 32
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("01OI")
    assert not set(ALPHABET) & set(ALPHABET.lower()) - set("23456789")


@given(st.integers(min_value=0))
def test_every_number_is_seven_letters_of_the_alphabet(count: int) -> None:
    assert re.fullmatch(f"[{ALPHABET}]{{{LENGTH}}}", spell(count))


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
