"""The ways to pay: Stripe's test cards and a bank debit, each with its fate.

Stripe: Testing (docs testing). A number is compared and forgotten; only its last four
digits are kept.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decline:
    """Why a payment was refused, in Stripe's codes and for people."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True)
class Method:
    """A way to pay and what comes of it."""

    kind: str = "card"
    last4: str = "4242"
    brand: str = "visa"
    decline: Decline | None = None
    needs_authentication: bool = False
    # What the charge is disputed as the moment it succeeded: its reason, or "inquiry".
    disputed_as: str | None = None
    # What becomes of a refund some time after it was made: a status, or nothing.
    refund_turns: str | None = None

    @property
    def is_delayed(self) -> bool:
        """Say whether the money arrives (or not) days later."""
        return self.kind != "card"

    def details(self) -> dict[str, Any]:
        """Give a charge's `payment_method_details`."""
        if self.is_delayed:
            return {"type": self.kind, self.kind: {"last4": self.last4}}
        return {"type": "card", "card": _card_details(self)}


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
NO_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
EXPIRED = Decline("expired_card", None, "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
TROUBLE = Decline(
    "processing_error",
    None,
    "An error occurred while processing your card. Try again in a little bit.",
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. This is the emulator: use one of the test cards.",
)
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again.",
)
DEBIT_FAILED = Decline(
    "payment_intent_payment_attempt_failed",
    "insufficient_funds",
    "The payment failed: the bank account had insufficient funds.",
)

PAYS = Method()
INQUIRY = "inquiry"
# What a page may offer as a hint: number, what it does.
TEST_CARDS: dict[str, tuple[str, Method]] = {
    "4242424242424242": ("pays", PAYS),
    "5555555555554444": ("pays (Mastercard)", Method("card", "4444", "mastercard")),
    "4000002500003155": (
        "asks for 3-D Secure",
        Method(last4="3155", needs_authentication=True),
    ),
    "4000000000000002": ("declined", Method(last4="0002", decline=DECLINED)),
    "4000000000009995": ("insufficient funds", Method(last4="9995", decline=NO_FUNDS)),
    "4000000000000069": ("expired card", Method(last4="0069", decline=EXPIRED)),
    "4000000000000127": ("wrong CVC", Method(last4="0127", decline=WRONG_CVC)),
    "4000000000000119": ("processing error", Method(last4="0119", decline=TROUBLE)),
    "4000000000000259": (
        "pays, disputed as fraudulent at once",
        Method(last4="0259", disputed_as="fraudulent"),
    ),
    "4000000000002685": (
        "pays, disputed as not received at once",
        Method(last4="2685", disputed_as="product_not_received"),
    ),
    "4000000000001976": (
        "pays, the bank inquires at once",
        Method(last4="1976", disputed_as=INQUIRY),
    ),
    "4000000000005126": (
        "pays, a refund fails later",
        Method(last4="5126", refund_turns="failed"),
    ),
    "4000000000007726": (
        "pays, a refund is pending first",
        Method(last4="7726", refund_turns="succeeded"),
    ),
}


def find_card(number: str) -> Method | None:
    """Give the card of that number, or None where no card can have it."""
    digits = number.replace(" ", "").replace("-", "")
    if digits in TEST_CARDS:
        return TEST_CARDS[digits][1]
    if not (digits.isascii() and digits.isdecimal() and 13 <= len(digits) <= 19):
        return None
    if not _adds_up(digits):
        return None
    return Method(last4=digits[-4:], brand="unknown", decline=NOT_A_TEST_CARD)


def bank_debit(kind: str) -> Method:
    """Give the delayed method of that kind."""
    return Method(kind, last4="3000", brand="")


def _adds_up(digits: str) -> bool:
    """Check the last digit as card numbers do (ISO/IEC 7812, Luhn)."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    rest = [int(digit) for digit in digits[::-2]]
    return (sum(rest) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def _card_details(method: Method) -> dict[str, Any]:
    return {
        "amount_authorized": None,
        "authorization_code": None,
        "brand": method.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"emulated{method.last4}",
        "funding": "credit",
        "installments": None,
        "last4": method.last4,
        "mandate": None,
        "network": method.brand,
        "three_d_secure": None,
        "wallet": None,
    }
