"""Where Stripe's amounts differ from ISO 4217, and what it takes at all.

Stripe: "Supported currencies" (read 2026-11, API 2026-10-28.endive).
"""

from decimal import Decimal

from storefront.gateway.errors import AmountNotPayable
from storefront.languages import gettext as _
from storefront.money import exponent, to_decimal

ZERO_DECIMAL = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
)
# Two decimals on the wire, the last two digits always zero.
TWO_DECIMALS_ALWAYS_ZERO = frozenset({"ISK", "UGX"})
# Three decimals on the wire, the last digit always zero.
THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())

# Smallest charges in whole units; where Stripe names none, one minor unit is asked.
SMALLEST = {
    currency: Decimal(amount)
    for amount, currencies in {
        "0.30": "GBP",
        "0.50": "AUD BRL CAD CHF EUR INR NZD SGD USD",
        "1": "BGN",
        "2": "AED MYR PLN RON",
        "2.50": "DKK",
        "3": "NOK SEK",
        "4": "HKD",
        "10": "MXN THB",
        "15": "CZK",
        "50": "JPY",
        "175": "HUF",
    }.items()
    for currency in currencies.split()
}
LARGEST_ON_THE_WIRE = 99_999_999
# What an integer column of Postgres holds: less than the former in some currencies.
LARGEST_HERE = 2**31 - 1


def _wire_exponent(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_wire(amount: int, currency: str) -> int:
    """Turn minor units of ISO 4217 into Stripe's.

    :raises AmountNotPayable: if Stripe cannot express the amount.
    """
    wire = to_decimal(amount, currency).scaleb(_wire_exponent(currency))
    if wire != int(wire) or (currency in THREE_DECIMAL and wire % 10):
        raise AmountNotPayable(
            _("%(currency)s is not paid in such small parts.", currency=currency)
        )
    return int(wire)


def from_wire(amount: int, currency: str) -> int:
    """Turn Stripe's minor units into those of ISO 4217; ISK and UGX lose zeros.

    :raises AmountNotPayable: if ISO 4217 cannot express the amount.
    """
    whole = Decimal(amount).scaleb(-_wire_exponent(currency))
    minor = whole.scaleb(exponent(currency))
    if minor != int(minor):
        raise AmountNotPayable(f"{currency} has no such amounts.")
    return int(minor)


def check_payable(amount: int, currency: str) -> None:
    """Refuse a total that Stripe would refuse.

    :raises AmountNotPayable: too small, too large, or too fine.
    """
    if amount < 1 or to_decimal(amount, currency) < SMALLEST.get(currency, 0):
        raise AmountNotPayable(_("The total is below what can be paid by card."))
    if amount > LARGEST_HERE or to_wire(amount, currency) > LARGEST_ON_THE_WIRE:
        raise AmountNotPayable(_("The total is above what can be paid at once."))
