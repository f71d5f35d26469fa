"""Money: minor units by ISO 4217, without floats, in every language."""

from decimal import Decimal

import pytest
from babel import localedata
from hypothesis import given
from hypothesis import strategies as st

from storefront.money import (
    NO_DECIMALS,
    THREE_DECIMALS,
    TWO_DECIMALS,
    exponent,
    format_money,
    is_currency,
    parse_money,
    to_decimal,
)

CURRENCIES = sorted(NO_DECIMALS | TWO_DECIMALS | THREE_DECIMALS)
currencies = st.sampled_from(CURRENCIES)
amounts = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize("code", ["", "eur", "Eur", "EU", "EURO", "XXX", "XTS", "€€€"])
def test_what_is_no_currency_in_use_is_none(code: str) -> None:
    assert not is_currency(code)


def test_no_currency_has_two_exponents() -> None:
    assert not NO_DECIMALS & TWO_DECIMALS
    assert not NO_DECIMALS & THREE_DECIMALS
    assert not TWO_DECIMALS & THREE_DECIMALS


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("JPY", 0),
        ("ISK", 0),
        ("UGX", 0),
        ("KWD", 3),
        ("MGA", 2),
        ("HUF", 2),
        ("EUR", 2),
    ],
)
def test_exponents_are_those_of_iso_and_not_of_stripe_or_cldr(
    code: str, decimals: int
) -> None:
    assert is_currency(code)
    assert exponent(code) == decimals


@pytest.mark.parametrize(
    ("whole", "code"),
    [("0.5", "JPY"), ("0.001", "EUR"), ("1.0005", "KWD"), ("80.005", "HUF")],
)
def test_too_fine_an_amount_is_refused(whole: str, code: str) -> None:
    with pytest.raises(ValueError, match=code):
        parse_money(Decimal(whole), code)


@pytest.mark.parametrize("whole", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_amount(whole: str) -> None:
    with pytest.raises(ValueError, match="EUR"):
        parse_money(Decimal(whole), "EUR")


@pytest.mark.parametrize("whole", ["80." + "0" * 30 + "1", "1e999999"])
def test_no_amount_is_rounded_on_the_way_in(whole: str) -> None:
    with pytest.raises(ValueError, match="EUR"):
        parse_money(Decimal(whole), "EUR")


@pytest.mark.parametrize(
    ("whole", "code", "minor"),
    [
        ("80.00", "EUR", 8000),
        ("80", "EUR", 8000),
        ("9000", "JPY", 9000),
        ("9000.0", "JPY", 9000),
        ("1.235", "KWD", 1235),
        ("8e1", "EUR", 8000),
    ],
)
def test_whole_units_become_minor_ones(whole: str, code: str, minor: int) -> None:
    assert parse_money(Decimal(whole), code) == minor


@given(amounts, currencies)
def test_minor_and_whole_units_say_the_same(amount: int, code: str) -> None:
    assert parse_money(to_decimal(amount, code), code) == amount


@given(amounts, currencies, st.sampled_from(sorted(localedata.locale_identifiers())))
def test_every_language_shows_every_digit(amount: int, code: str, locale: str) -> None:
    shown = format_money(amount, code, locale.replace("_", "-"))
    digits = "".join(str(int(one)) for one in shown if one.isdecimal())
    assert digits == str(abs(amount)).zfill(exponent(code) + 1)


@pytest.mark.parametrize(
    ("amount", "code", "locale", "shown"),
    [
        (0, "EUR", "en", "€0.00"),
        (5, "EUR", "en", "€0.05"),
        (-8000, "EUR", "en", "-€80.00"),
        (9000, "JPY", "en", "¥9,000"),
        (1235, "KWD", "en", "KWD\xa01.235"),
        (9000, "ISK", "en", "ISK\xa09,000"),
        (123456, "EUR", "pt-BR", "€\xa01.234,56"),
        (123456, "HUF", "de", "1.234,56\xa0HUF"),
    ],
)
def test_amounts_are_written_as_people_do(
    amount: int, code: str, locale: str, shown: str
) -> None:
    assert format_money(amount, code, locale) == shown
