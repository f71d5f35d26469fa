"""Reading the payment page's form: what was typed, or what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storefront import clock

from .attempts import Payer
from .cards import PAYS, Method, bank_debit, find_card
from .sessions import MAIL_ADDRESS
from .shapes import address
from .state import JsonObject

LONGEST = 200
EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})")
CVC = re.compile(r"[0-9]{3,4}")
NEEDED = {
    "ship_name": "Enter the name of who receives it.",
    "line1": "Enter the street and number.",
    "city": "Enter the town or city.",
    "postal_code": "Enter the postal code.",
}
# Fields that are shown again after a mistake; the card's never are.
SHOWN_AGAIN = ("email", "name", "method", *NEEDED, "line2", "country")
NOBODY = Payer("", "")


@dataclass
class Entry:
    """What a customer typed: usable once `errors` is empty."""

    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    method: Method = PAYS
    payer: Payer = NOBODY


def read_form(session: JsonObject, form: Mapping[str, str]) -> Entry:
    """Read the form of a session's payment page."""
    typed = {name: form.get(name, "").strip()[:LONGEST] for name in SHOWN_AGAIN}
    entry = Entry(typed)
    if session["customer_email"]:
        typed["email"] = session["customer_email"]
    elif not MAIL_ADDRESS.fullmatch(typed["email"]):
        entry.errors["email"] = "Enter an email address, like ana@example.com."
    if session["amount_total"]:
        entry.method = _read_method(session, form, entry)
    entry.payer = Payer(typed["email"], typed["name"], _read_shipping(session, entry))
    return entry


def _read_method(session: JsonObject, form: Mapping[str, str], entry: Entry) -> Method:
    if not entry.typed["name"]:
        entry.errors["name"] = "Enter the name on the card or the account."
    kind = entry.typed["method"] or session["payment_method_types"][0]
    if kind not in session["payment_method_types"]:
        entry.errors["method"] = "Choose how to pay."
        return PAYS
    return _read_card(form, entry) if kind == "card" else bank_debit(kind)


def _read_card(form: Mapping[str, str], entry: Entry) -> Method:
    card = find_card(form.get("number", ""))
    if card is None:
        entry.errors["number"] = "Your card number is invalid."
    if not _is_ahead(form.get("expiry", "").strip()):
        entry.errors["expiry"] = "Enter a date that is still to come, like 12 / 34."
    if not CVC.fullmatch(form.get("cvc", "").strip()):
        entry.errors["cvc"] = "Enter the 3 or 4 digits of the security code."
    return card or PAYS


def _is_ahead(text: str) -> bool:
    """Say whether MM / YY is this month or later."""
    found = EXPIRY.fullmatch(text)
    if not found:
        return False
    month, year = int(found[1]), 2000 + int(found[2])
    today = clock.now()
    return (year, month) >= (today.year, today.month)


def _read_shipping(session: JsonObject, entry: Entry) -> JsonObject | None:
    wanted = session["shipping_address_collection"]
    if not wanted:
        return None
    typed = entry.typed
    for name, message in NEEDED.items():
        if not typed[name]:
            entry.errors[name] = message
    if typed["country"] not in wanted["allowed_countries"]:
        entry.errors["country"] = "Choose one of the countries."
    parts = ("line1", "line2", "city", "postal_code", "country")
    place = address(**{part: typed[part] for part in parts})
    return {"name": typed["ship_name"], "address": place}
