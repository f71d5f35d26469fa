"""How often an order page asks, by the time that it has been open."""

import pytest

from storefront.orders.pace import pace, whole

AGES = [(0, 2), (29, 2), (30, 5), (89, 5), (90, 15), (179, 15)]


@pytest.mark.parametrize(("age", "every"), AGES)
def test_a_page_asks_less_and_less_often(age: int, every: int) -> None:
    assert pace(age) == every


@pytest.mark.parametrize("age", [-1, 180, 10**6])
def test_a_page_left_open_or_from_the_future_asks_no_more(age: int) -> None:
    assert pace(age) is None


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1.5", "٣", "9" * 13])
def test_what_is_no_number_counts_as_the_beginning_of_time(text: str | None) -> None:
    assert whole(text) == 0
