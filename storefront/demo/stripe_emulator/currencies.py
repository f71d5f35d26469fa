"""What Stripe takes for an amount, currency by currency, and how people write it."""

from .errors import ApiError, parameter_invalid
from .vocabulary import CURRENCIES

# Stripe: Currencies, zero-decimal currencies (docs currencies).
NO_DECIMALS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()
)
# Stripe: Currencies, three-decimal currencies: the last digit must be 0.
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())
# Stripe: Currencies, special cases: two decimals are written and must be 00.
WHOLE_UNITS = frozenset(("isk", "ugx"))
# Stripe: Currencies, minimum amounts; where none is published the emulator has none.
MINIMUM = {
    **dict.fromkeys("usd eur aud brl cad chf inr jpy nzd sgd".split(), 50),
    **{"gbp": 30, "bgn": 100, "aed": 200, "myr": 200, "pln": 200, "ron": 200},
    **{"dkk": 250, "nok": 300, "sek": 300, "hkd": 400, "mxn": 1000, "thb": 1000},
    **{"czk": 1500, "huf": 17500},
}
# Stripe: Currencies, maximum: eight digits.
MAXIMUM = 99_999_999


def read_currency(raw: str, param: str) -> str:
    """Give the lower case code, or refuse a currency that Stripe does not take."""
    code = raw.lower()
    if code not in CURRENCIES:
        raise parameter_invalid(f"Invalid currency: {raw}", param)
    return code


def check_step(amount: int, currency: str, param: str) -> None:
    """Refuse an amount finer than the currency's smallest step.

    :raises ApiError: 400
    """
    if currency in THREE_DECIMALS and amount % 10:
        message = f"Amounts in {currency} must end in 0; {amount} does not."
        raise parameter_invalid(message, param)
    if currency in WHOLE_UNITS and amount % 100:
        code = "invalid_charge_amount_no_decimal_compatible"
        message = f"Amounts in {currency} must be multiples of 100; {amount} is not."
        raise parameter_invalid(message, param, code)


def check_total(total: int, currency: str) -> None:
    """Refuse a total that Stripe would not charge; 0 is a free order.

    :raises ApiError: 400
    """
    least = MINIMUM.get(currency, 1)
    if 0 < total < least:
        message = "The Checkout Session's total amount due must add up to at least"
        shown = written(least, currency)
        raise ApiError(f"{message} {shown}", code="amount_too_small")
    if total > MAXIMUM:
        message = "The Checkout Session's total amount due must be no more than"
        shown = written(MAXIMUM, currency)
        raise ApiError(f"{message} {shown}", code="amount_too_large")


def decimals(currency: str) -> int:
    """Give how many decimals the currency has at Stripe."""
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def written(amount: int, currency: str) -> str:
    """Write an amount of minor units the way a payment page shows it."""
    places = decimals(currency)
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**places)
    fraction = f".{rest:0{places}d}" if places else ""
    return f"{sign}{currency.upper()} {whole:,}{fraction}"
