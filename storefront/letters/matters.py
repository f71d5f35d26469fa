"""What the owner is told about a matter: what it is, and what to do about it."""

from dataclasses import dataclass
from typing import Any

from storefront.languages import gettext as _
from storefront.languages import later
from storefront.web.filters import money

# For each reason: what it is, and what to do.
SENTENCES = {
    "payment disagrees": (
        later("A payment differs from its order"),
        later(
            "The order stays unpaid until you have looked: return the payment at "
            "Stripe, or agree with the customer."
        ),
    ),
    "second payment": (
        later("An order was paid twice"),
        later("Return one of the two payments at Stripe."),
    ),
    "unknown session": (
        later("A payment without an order has come in"),
        later("Look the payment up at Stripe, and return it if nobody can say why."),
    ),
    "session unknown at stripe": (
        later("Stripe does not know a payment page of ours"),
        later(
            "The order counts as unpaid. Look whether the key belongs to the right "
            "account."
        ),
    ),
    "paid order is lost": (
        later("A paid order is missing here"),
        later(
            "Write to the customer: Stripe has the payment, and the order is not here."
        ),
    ),
    "order written down again": (
        later("A lost order was written down again"),
        later("Compare it with what Stripe says about the payment."),
    ),
    "not taken in": (
        later("Something at Stripe could not be taken in here"),
        later(
            "It is tried again by itself. Look it up at Stripe, and ask whoever keeps "
            "the shop: the log says why."
        ),
    ),
    "refund disagrees": (
        later("A refund differs from its payment"),
        later("It was not counted. Compare both at Stripe."),
    ),
    "refund failed": (
        later("A refund has failed"),
        later("The money is back at Stripe: return it to the customer another way."),
    ),
    "dispute inquiry": (
        later("A bank asks about a payment"),
        later("Answer at Stripe before the day that is named there."),
    ),
    "dispute inquiry closed": (
        later("A bank’s question is closed"),
        later("There is nothing to do."),
    ),
    "dispute opened": (
        later("A customer disputes a payment"),
        later("Answer at Stripe before the day that is named there."),
    ),
    "dispute won": (
        later("A dispute is won"),
        later("There is nothing to do."),
    ),
    "dispute lost": (
        later("A dispute is lost"),
        later("The bank has returned the money to the customer."),
    ),
    "withdrawal": (
        later("A customer has withdrawn from a contract"),
        later(
            "Return what is due at Stripe, within fourteen days of the statement. Look "
            "first whether a session of it was held already, and, of what was posted, "
            "whether it had arrived more than fourteen days before."
        ),
    ),
    "letter parked": (
        later("A letter could not be delivered"),
        later("Look at the address, and reach the person another way."),
    ),
}
UNKNOWN = later("Look it up at Stripe.")
NAMES = {
    "amount": later("Amount"),
    "asked": later("Asked for"),
    "currency": later("Currency"),
    "customer": later("Customer"),
    "dispute": later("Disputed"),
    "email": later("E-mail"),
    "error": later("Error"),
    "expected": later("expected"),
    "give_back_by": later("To be returned by"),
    "kind": later("Kind"),
    "letter": later("Letter"),
    "livemode": later("Live mode"),
    "name": later("Name"),
    "paid": later("Paid"),
    "payment": later("Payment"),
    "reason": later("Reason"),
    "reference": later("Reference"),
    "refund": later("Refund"),
    "refundable": later("Can still be returned"),
    "refunded": later("Refunded"),
    "seen": later("seen at Stripe"),
    "withdrawn": later("For"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A matter in two sentences."""

    title: str
    advice: str


def explain(reason: str) -> Explanation:
    """Say what a reason means, in the language that is spoken."""
    title, advice = SENTENCES.get(reason, (reason.capitalize(), UNKNOWN))
    return Explanation(_(title), _(advice))


def list_figures(
    figures: dict[str, Any], currency: str | None
) -> list[tuple[str, str]]:
    """List the figures of a matter by name, amounts as people write them.

    :param currency: that of the order; what was seen may name another.
    """
    rows: list[tuple[str, str]] = []
    for name, told in figures.items():
        if not isinstance(told, dict):
            rows.append((_name(name), str(told)))
        elif {"expected", "seen"} <= told.keys():
            pair = figures.get("currency", {"expected": currency, "seen": currency})
            rows += [
                (f"{_name(name)}, {_name(side)}", _value(name, told[side], pair[side]))
                for side in ("expected", "seen")
            ]
        else:
            rows += _parts(name, told)
    return rows


def _parts(name: str, told: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the amount under the name of the whole, the rest under its own."""
    currency = told.get("currency")
    return [
        (_name(name if part == "amount" else part), _value(part, value, currency))
        for part, value in told.items()
        if part != "currency"
    ]


def _name(name: str) -> str:
    return _(NAMES[name]) if name in NAMES else name.replace("_", " ")


def _value(name: str, value: Any, currency: str | None) -> str:
    is_amount = name == "amount" and isinstance(value, int)
    return money(value, currency) if is_amount and currency else str(value)
