"""Stripe's amounts: where they differ from ISO 4217, and what it takes at all."""

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from storefront.gateway.amounts import check_payable, from_wire, to_wire
from storefront.gateway.errors import AmountNotPayable
from storefront.money import NO_DECIMALS, THREE_DECIMALS, TWO_DECIMALS

CURRENCIES = sorted(NO_DECIMALS | TWO_DECIMALS | THREE_DECIMALS)
LARGEST_IN_A_COLUMN = 2**31 - 1
currencies = st.sampled_from(CURRENCIES)


@pytest.mark.parametrize(
    ("amount", "code"),
    [(1, "MGA"), (150, "MGA"), (1, "KWD"), (1235, "KWD"), (1001, "BHD")],
)
def test_what_stripe_cannot_express_is_refused(amount: int, code: str) -> None:
    with pytest.raises(AmountNotPayable, match=code):
        to_wire(amount, code)


@pytest.mark.parametrize(
    ("iso", "code", "wire"),
    [
        (8000, "EUR", 8000),
        (9000, "JPY", 9000),
        (1230, "KWD", 1230),
        (500, "ISK", 50000),
        (500, "UGX", 50000),
        (500, "MGA", 5),
        (17550, "HUF", 17550),
    ],
)
def test_the_wire_speaks_stripe_and_the_shop_speaks_iso(
    iso: int, code: str, wire: int
) -> None:
    assert to_wire(iso, code) == wire
    assert from_wire(wire, code) == iso


@given(st.integers(min_value=0, max_value=LARGEST_IN_A_COLUMN), currencies)
def test_what_goes_out_comes_back(amount: int, code: str) -> None:
    try:
        wire = to_wire(amount, code)
    except AmountNotPayable:
        assume(False)
    assert from_wire(wire, code) == amount


@pytest.mark.parametrize("code", ["ISK", "UGX"])
@given(wire=st.integers(min_value=0, max_value=10**9).filter(lambda n: n % 100))
def test_a_fraction_that_iso_does_not_know_never_looks_like_a_whole_sum(
    code: str, wire: int
) -> None:
    # Cut to a whole sum, a wrong payment would agree with an order.
    with pytest.raises((AmountNotPayable, ValueError)):
        from_wire(wire, code)


def payable(amount: int) -> list[str]:
    """List the currencies in which an amount could be paid."""
    found = []
    for code in CURRENCIES:
        with suppress(AmountNotPayable):
            check_payable(amount, code)
            found.append(code)
    return found


@pytest.mark.parametrize("amount", [0, -1, -1000])
def test_nothing_is_never_payable(amount: int) -> None:
    assert payable(amount) == []


def test_what_is_payable_fits_an_order() -> None:
    too_much = (LARGEST_IN_A_COLUMN // 1000 + 1) * 1000
    assert payable(too_much) == []


def test_every_currency_can_be_paid_in_somehow() -> None:
    assert set(payable(50_000)) == set(CURRENCIES)


@pytest.mark.parametrize(
    ("smallest", "code"),
    [
        (50, "EUR"),
        (30, "GBP"),
        (50, "JPY"),
        (50, "USD"),
        (1500, "CZK"),
        (17500, "HUF"),
        (1, "CLP"),
        (100, "MGA"),
        (10, "KWD"),
    ],
)
def test_the_smallest_charge_is_payable_and_less_is_not(
    smallest: int, code: str
) -> None:
    check_payable(smallest, code)
    with pytest.raises(AmountNotPayable):
        check_payable(smallest - 1, code)


@pytest.mark.parametrize(
    ("largest", "code"),
    [
        (99_999_999, "EUR"),
        (99_999_999, "JPY"),
        (999_999, "ISK"),
        (999_999, "UGX"),
        (99_999_990, "KWD"),
    ],
)
def test_the_largest_charge_is_payable_and_more_is_not(largest: int, code: str) -> None:
    check_payable(largest, code)
    with pytest.raises(AmountNotPayable):
        check_payable(largest + 10, code)
