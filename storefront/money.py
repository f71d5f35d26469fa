"""Amounts: integers in minor units of the currency's ISO 4217 exponent.

The only place that knows exponents and the only one that renders money. What Stripe
does differently (ISK, UGX, MGA, three-decimal currencies) is the gateway's business.
"""

import re
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency

# ISO 4217 (read 2026-11): all others have two decimals.
NO_DECIMALS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
)
THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
# fmt: off
TWO_DECIMALS = frozenset((
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD "
    "BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB "
    "EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD "
    "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU "
    "MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR "
    "RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
    "TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW"
).split())
# fmt: on


# More than any price has.
MOST_DIGITS = 15
CODE_AT_NUMBER = re.compile(r"(?<=[A-Z])(?=\d)")


def is_currency(code: str) -> bool:
    """Tell whether this is an upper-case currency code of ISO 4217 in use."""
    return code in TWO_DECIMALS | NO_DECIMALS | THREE_DECIMALS


def exponent(currency: str) -> int:
    """Give the number of decimals of a currency: EUR 2, JPY 0, KWD 3."""
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def to_decimal(amount: int, currency: str) -> Decimal:
    """Turn minor units into whole ones: 8000 EUR is 80.00."""
    return Decimal(amount).scaleb(-exponent(currency))


def parse_money(whole: Decimal, currency: str) -> int:
    """Turn whole units into minor ones: 80.00 EUR is 8000.

    :raises ValueError: if the currency has no such small parts.
    """
    if not whole.is_finite() or whole.adjusted() > MOST_DIGITS:
        raise ValueError(f"This is no amount of {currency}.")
    # Digit by digit: a context of decimal would round what is too fine.
    whole_part, _, fraction = f"{whole:f}".partition(".")
    kept, rest = fraction[: exponent(currency)], fraction[exponent(currency) :]
    if rest.strip("0"):
        raise ValueError(f"{currency} has no such small parts.")
    return int(whole_part + kept.ljust(exponent(currency), "0"))


# A shop has few prices, and writes each of them thousands of times.
@lru_cache(maxsize=4096)
def format_money(amount: int, currency: str, locale: str = "en") -> str:
    """Write an amount as people of that language do: 8000 EUR is €80.00.

    Babel knows the signs and places; the number of decimals is ours, because CLDR
    rounds some currencies that ISO 4217 does not.
    """
    language = Locale.parse(locale, sep="-")
    pattern = language.currency_formats["standard"]
    digits = exponent(currency)
    text = format_currency(
        to_decimal(amount, currency),
        currency,
        format=_with_decimals(pattern.pattern, digits),
        locale=language,
        currency_digits=False,
    )
    # CLDR keeps a code apart from its number, which Babel leaves to others.
    return CODE_AT_NUMBER.sub("\N{NO-BREAK SPACE}", text)


def _with_decimals(pattern: str, digits: int) -> str:
    return pattern.replace("0.00", "0." + "0" * digits if digits else "0")
