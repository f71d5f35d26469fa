"""What a customer has to tell, checked: the same rules for the form and the API."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from unicodedata import category

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from storefront.checkout.consent import consent_fault
from storefront.checkout.purchase import MOST_OF_ONE, Purchase
from storefront.errors import FieldError
from storefront.fulfilment.withdrawals import Statement
from storefront.languages import gettext as _
from storefront.languages import later
from storefront.texts.models import Consent

# Controls, private and unassigned signs, breaks; lone surrogates never come so far.
UNWRITABLE = frozenset({"Cc", "Co", "Cn", "Zl", "Zp"})
# What turns the direction of writing, or is not seen at all. (Two joiners of the same
# family belong into Persian and Indian names.)
HIDDEN = frozenset(
    "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)

# What is wrong with a field, whatever it is.
SENTENCES = {
    "email": later("Enter an e-mail address like name@example.com."),
    "name": later("Enter your name; 200 characters at most."),
    "note": later("Keep the note under 1000 characters."),
    "reason": later("Keep the reason under 1000 characters."),
    "quantity": later("Choose a quantity from 1 to %(most)s."),
    "service_id": later("This product is not, or no longer, for sale."),
    "items": later("List 1 to 100 products."),
}
# What is wrong with any other member, by Pydantic's name for it.
TYPES = {
    "missing": later("This field is missing."),
    "extra_forbidden": later("This field is not known."),
}
ODD = later("This is not in the form that is asked for.")


def _is_writable(text: str) -> bool:
    return not any(category(c) in UNWRITABLE or c in HIDDEN for c in text)


def _email(value: str) -> str:
    try:
        # One plain mailbox; letters beyond ASCII only in the host's name.
        checked = validate_email(
            value,
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=True,
        )
    except EmailNotValidError as error:
        sentence = _("Enter an e-mail address like name@example.com.")
        raise ValueError(sentence) from error
    return checked.ascii_email or checked.normalized


def _name(value: str) -> str:
    if not _is_writable(value):
        raise ValueError(_("Enter your name without control characters."))
    return value


def _note(value: str) -> str:
    if not _is_writable(re.sub(r"[\r\n\t]", " ", value)):
        raise ValueError(_("Enter the note without control characters."))
    return value


def _reason(value: str) -> str:
    if not _is_writable(re.sub(r"[\r\n\t]", " ", value)):
        raise ValueError(_("Enter the reason without control characters."))
    return value


Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_name),
]


def _unix_lines(value: str) -> str:
    # Browsers count a line's end as one sign and send two.
    return value.replace("\r\n", "\n")


Note = Annotated[
    str,
    BeforeValidator(_unix_lines),
    StringConstraints(strip_whitespace=True, max_length=1000),
    AfterValidator(_note),
]
Reason = Annotated[
    str,
    BeforeValidator(_unix_lines),
    StringConstraints(strip_whitespace=True, max_length=1000),
    AfterValidator(_reason),
]
Quantity = Annotated[int, Field(ge=1, le=MOST_OF_ONE)]
ProductId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Item(_Strict):
    """One product, so many times."""

    service_id: ProductId
    quantity: Quantity


class Customer(_Strict):
    """Who buys: where the receipt goes, and what to call them."""

    email: Email
    name: Name


class Agreed(_Strict):
    """Which versions of which texts the customer has agreed to."""

    withdrawal: Annotated[str, StringConstraints(max_length=100)]


class CheckoutBody(_Strict):
    """The body of POST /api/checkout."""

    items: Annotated[list[Item], Field(min_length=1, max_length=100)]
    customer: Customer
    consent: Agreed | None = None

    def purchase(self, locale: str, consent: Consent | None = None) -> Purchase:
        """Give what the use case takes."""
        return Purchase(
            items=tuple((item.service_id, item.quantity) for item in self.items),
            email=self.customer.email,
            name=self.customer.name,
            note=None,
            locale=locale,
            consent=consent,
        )


class DetailsForm(BaseModel):
    """The details form: what a person typed about one product."""

    service_id: ProductId
    quantity: Quantity
    email: Email
    name: Name
    note: Note = ""

    def purchase(self, locale: str, consent: Consent | None = None) -> Purchase:
        """Give what the use case takes."""
        return Purchase(
            items=((self.service_id, self.quantity),),
            email=self.email,
            name=self.name,
            note=self.note or None,
            locale=locale,
            consent=consent,
        )


class StatementForm(BaseModel):
    """The form for withdrawing: what a person typed about one order."""

    name: Name
    email: Email
    reason: Reason = ""


def read_form(form: Mapping[str, str], asked: Consent | None = None) -> DetailsForm:
    """Check what was typed, and that what has to be agreed to was ticked.

    :raises FieldError: with a sentence for each field that needs another look.
    """
    given = {name: form[name] for name in DetailsForm.model_fields if name in form}
    if not re.fullmatch(r"[0-9]{1,3}", str(given.get("quantity"))):
        # Whatever else Python reads as a number.
        given.pop("quantity", None)
    fault = consent_fault(form.get("consent", ""), asked)
    faults = {"consent": fault} if fault else {}
    try:
        details = DetailsForm(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise FieldError(_sentences(error) | faults) from None
    if faults:
        raise FieldError(faults)
    return details


def read_statement(form: Mapping[str, str]) -> Statement:
    """Check what was typed into a statement of withdrawal.

    :raises FieldError: with a sentence for each field that needs another look.
    """
    given = {name: form[name] for name in StatementForm.model_fields if name in form}
    try:
        typed = StatementForm(**given)
    except ValidationError as error:
        raise FieldError(_sentences(error)) from None
    return Statement(typed.name, typed.email, typed.reason or None)


def find_fault(name: str, form: Mapping[str, str]) -> str | None:
    """Find what is wrong with one field, whatever the others hold."""
    try:
        read_form(form)
    except FieldError as error:
        return error.errors.get(name)
    return None


def read_email(typed: str) -> str:
    """Check an e-mail address by itself.

    :raises FieldError: with a sentence about it.
    """
    try:
        return _EMAIL.validate_python(typed)
    except ValidationError:
        sentence = SENTENCES["email"]
        raise FieldError({"email": _(sentence)}) from None


def read_body(body: Any) -> CheckoutBody:
    """Check a JSON body.

    :raises FieldError: as read_form; fields are named with dots, items by place.
    """
    try:
        return CheckoutBody.model_validate(body)
    except ValidationError as error:
        raise FieldError(_sentences(error)) from None


def _sentences(error: ValidationError) -> dict[str, str]:
    sentences: dict[str, str] = {}
    for one in error.errors():
        path = [str(part) for part in one["loc"]] or ["body"]
        sentence = _sentence(path[-1], one["type"], one["msg"])
        sentences.setdefault(".".join(path), sentence)
    return sentences


def _sentence(field: str, kind: str, text: str) -> str:
    if kind == "value_error":
        return text.removeprefix("Value error, ")
    if kind == "extra_forbidden" or field not in SENTENCES:
        return _(TYPES.get(kind, ODD))
    return _(SENTENCES[field], most=MOST_OF_ONE)
