"""What a customer tells: the same rules for the form and for the API."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.checkout.forms import read_body, read_form
from storefront.checkout.purchase import MOST_OF_ONE, Purchase
from storefront.errors import FieldError

FORM = {
    "service_id": "birth-chart-reading",
    "quantity": "1",
    "email": "ana@example.com",
    "name": "Ana Lima",
}
ITEM = {"service_id": "birth-chart-reading", "quantity": 1}
CUSTOMER = {"email": "ana@example.com", "name": "Ana Lima"}


def typed(**changed: str) -> Purchase:
    """Give what becomes of the form."""
    return read_form({**FORM, **changed}).purchase("en")


def sent(item: Any = None, **customer: Any) -> Purchase:
    """Give what becomes of the JSON body."""
    body = {
        "items": [ITEM if item is None else item],
        "customer": {**CUSTOMER, **customer},
    }
    return read_body(body).purchase("en")


def form_faults(**changed: str) -> dict[str, str]:
    """Give the faults of the form."""
    with pytest.raises(FieldError) as caught:
        read_form({**FORM, **changed})
    return caught.value.errors


def body_faults(body: Any) -> dict[str, str]:
    """Give the faults of the JSON body."""
    with pytest.raises(FieldError) as caught:
        read_body(body)
    return caught.value.errors


# Quantities


@pytest.mark.parametrize(
    "quantity",
    [
        0,
        -1,
        1.5,
        1.0,
        "1",
        "1e3",
        "٣",
        " 1",
        "0x1",
        2**31,
        2**63,
        10**400,
        float("nan"),
        float("inf"),
        True,
        None,
        [],
        {},
        MOST_OF_ONE + 1,
    ],
)
def test_a_quantity_in_json_is_a_small_whole_number(quantity: Any) -> None:
    item = {**ITEM, "quantity": quantity}
    faults = body_faults({"items": [item], "customer": CUSTOMER})
    assert faults == {"items.0.quantity": "Choose a quantity from 1 to 20."}


@pytest.mark.parametrize(
    "quantity",
    [
        "",
        "0",
        "-1",
        "1.5",
        "1e3",
        "٣",
        "²",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "0x1",
        "1_0",
        "21",
        str(2**31),
        str(2**63),
        "9" * 5000,
        "NaN",
        "Infinity",
        "true",
        "null",
        "[]",
    ],
)
def test_a_quantity_in_the_form_is_a_small_whole_number(quantity: str) -> None:
    faults = form_faults(quantity=quantity)
    assert faults == {"quantity": "Choose a quantity from 1 to 20."}


@pytest.mark.parametrize("quantity", [1, MOST_OF_ONE])
def test_the_ends_of_the_quantity_are_taken(quantity: int) -> None:
    assert typed(quantity=str(quantity)).items == ((ITEM["service_id"], quantity),)
    assert (
        sent({**ITEM, "quantity": quantity}).items
        == typed(quantity=str(quantity)).items
    )


# Products


@pytest.mark.parametrize(
    "product",
    [
        "",
        "Birth",
        "a b",
        "a\n",
        "-a",
        "a/b",
        "../a",
        "a\x00",
        "a" * 101,
        "ä",
        "a%00",
        "1' OR '1'='1",
    ],
)
def test_what_is_no_slug_is_no_product(product: str) -> None:
    assert list(form_faults(service_id=product)) == ["service_id"]
    faults = body_faults(
        {"items": [{**ITEM, "service_id": product}], "customer": CUSTOMER}
    )
    assert list(faults) == ["items.0.service_id"]


# E-mail addresses: one plain mailbox


@pytest.mark.parametrize(
    "email",
    [
        "",
        " ",
        "ana",
        "@example.com",
        "ana@",
        "ana@@example.com",
        "ana@b@example.com",
        "ana@" + "e" * 310 + ".com",
        " ana@example.com",
        "ana@example.com ",
        "ana@example.com.",
        ".ana@example.com",
        "ana.@example.com",
        "ana..b@example.com",
        "ana@example",
        "ana@localhost",
        "ana@[127.0.0.1]",
        "ana@127.0.0.1",
        '"ana b"@example.com',
        "a@b\r\nBcc:x@y",
        "ana@example.com\nBcc: x@y.example",
        "a@b%0aCc:",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "Ana <ana@example.com>",
        "<ana@example.com>",
        "mailto:ana@example.com",
        "ána@example.com",
        "😀@example.com",
        "ana@😀.example",
        "ana\uff20example.com",
        "ana@example.com\x00",
        "ana\u202e@example.com",
        "ana@exam_ple.com",
    ],
)
def test_what_is_no_plain_mailbox_is_refused(email: str) -> None:
    sentence = "Enter an e-mail address like name@example.com."
    assert form_faults(email=email) == {"email": sentence}
    faults = body_faults({"items": [ITEM], "customer": {**CUSTOMER, "email": email}})
    assert faults == {"customer.email": sentence}


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Ana@Example.COM", "Ana@example.com"),
        ("ana+moon@example.com", "ana+moon@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("=1+1@example.com", "=1+1@example.com"),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
        ("a@b.co", "a@b.co"),
    ],
)
def test_unusual_mailboxes_are_kept_as_mail_servers_write_them(
    email: str, kept: str
) -> None:
    assert typed(email=email).email == kept
    assert sent(email=email).email == kept


@given(st.text(max_size=60))
def test_whatever_is_typed_is_one_recipient_or_none(text: str) -> None:
    try:
        email = typed(email=text).email
    except FieldError:
        return
    assert email.isascii()
    assert email.isprintable()
    assert email.count("@") == 1
    assert not set(email) & set(' ,;<>"\\')


# Names


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u3000",
        "A\x00na",
        "Ana\nLima",
        "Ana\r\nBcc: x@y.example",
        "Ana\tLima",
        "Ana\x1b[31m",
        "A\u202ena",
        "A\u2066na",
        "A\u2069na",
        "A\u200bna",
        "A\u2028na",
        "A\u2029na",
        "A\ue000na",
        "A\x85na",
        "A\u0378na",
        "Ana\ud800",
        "x" * 201,
        "x" * 1000000,
    ],
)
def test_a_name_that_cannot_be_written_is_refused(name: str) -> None:
    assert list(form_faults(name=name)) == ["name"]
    faults = body_faults({"items": [ITEM], "customer": {**CUSTOMER, "name": name}})
    assert list(faults) == ["customer.name"]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "{{7*7}}",
        "{% raise %}",
        "%s",
        "=1+1",
        "O'Brien",
        "Jörg Müller",
        "José́",
        "山田太郎",
        "山田\u3000太郎",
        "Ana\xa0Lima",
        "محمد",
        "นิรันดร์",
        "Ana 🌙",
        "X",
        "x" * 200,
        'Ana "Nana" Lima',
        "Ana; DROP TABLE orders",
    ],
)
def test_a_name_is_kept_as_it_was_written(name: str) -> None:
    assert typed(name=name).name == name
    assert sent(name=name).name == name


@pytest.mark.parametrize("name", [" Ana ", "\nAna\n", "\tAna"])
def test_space_around_a_name_is_nobodys_name(name: str) -> None:
    assert typed(name=name).name == "Ana"


# Notes


@pytest.mark.parametrize(
    "note", ["\x00", "a\x1bb", "a\u202eb", "a\ud800b", "😀\ud800", "x" * 1001]
)
def test_a_note_that_cannot_be_written_is_refused(note: str) -> None:
    assert list(form_faults(note=note)) == ["note"]


def test_what_cannot_be_written_is_said_so() -> None:
    faults = form_faults(name="A\x00", note="a\x1bb")
    assert faults == {
        "name": "Enter your name without control characters.",
        "note": "Enter the note without control characters.",
    }


def test_space_around_a_note_is_not_kept() -> None:
    assert typed(note=" \nTuesday?\n ").note == "Tuesday?"


def test_a_note_of_several_lines_is_kept() -> None:
    assert typed(note="Tuesday?\n\tOr Friday.").note == "Tuesday?\n\tOr Friday."


def test_a_note_as_long_as_the_page_allows_is_taken_as_browsers_send_it() -> None:
    # The field counts a new line as one letter; the form carries two.
    lines = ("x" * 99 + "\r\n") * 10
    assert typed(note=lines).note is not None


@pytest.mark.parametrize("note", ["", "  ", "\n"])
def test_an_empty_note_is_none(note: str) -> None:
    assert typed(note=note).note is None
    assert typed().note is None


# Members


@pytest.mark.parametrize("body", [None, [], "x", 1, 1.5, True, [[]], [{}]])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert list(body_faults(body)) == ["body"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, {"items", "customer"}),
        ({"items": [ITEM]}, {"customer"}),
        ({"customer": CUSTOMER}, {"items"}),
        ({"items": [], "customer": CUSTOMER}, {"items"}),
        ({"items": {"0": ITEM}, "customer": CUSTOMER}, {"items"}),
        ({"items": [ITEM] * 101, "customer": CUSTOMER}, {"items"}),
        ({"items": [None], "customer": CUSTOMER}, {"items.0"}),
        ({"items": [{}], "customer": []}, {"customer", "items.0.service_id"}),
        ({"items": [ITEM], "customer": {}}, {"customer.email", "customer.name"}),
        (
            {"items": [ITEM], "customer": {"email": 1, "name": ["A"]}},
            {"customer.email", "customer.name"},
        ),
    ],
)
def test_every_field_that_is_wrong_is_named(body: Any, named: set[str]) -> None:
    assert named <= set(body_faults(body))


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ([], "body", "This is not in the form that is asked for."),
        ({"items": [ITEM]}, "customer", "This field is missing."),
        ({"items": [], "customer": CUSTOMER}, "items", "List 1 to 100 products."),
        (
            {"items": [{**ITEM, "service_id": "A b"}], "customer": CUSTOMER},
            "items.0.service_id",
            "This product is not, or no longer, for sale.",
        ),
    ],
)
def test_each_fault_says_what_is_asked_for(
    body: Any, field: str, sentence: str
) -> None:
    assert body_faults(body) == {field: sentence}


@pytest.mark.parametrize(
    "name", ["price", "unit_amount", "currency", "total", "discount", "__proto__"]
)
def test_a_client_names_no_price(name: str) -> None:
    whole = {"items": [ITEM], "customer": CUSTOMER}
    assert body_faults({**whole, name: 1}) == {name: "This field is not known."}
    faults = body_faults({**whole, "items": [{**ITEM, name: 1}]})
    assert faults == {f"items.0.{name}": "This field is not known."}


def test_more_than_the_form_asks_for_has_no_effect() -> None:
    assert typed(price="1", status="paid", order_id="1", locale="xx") == typed()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["items", "customer", "service_id", "quantity", "\ud800"]
                )
                | st.text(max_size=5),
                inside,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_taken_or_refused_and_nothing_worse(body: Any) -> None:
    try:
        read_body(body)
    except FieldError as error:
        faults = error.errors
    else:
        faults = {"nothing": ""}
    assert faults


@given(st.dictionaries(st.sampled_from([*FORM, "note"]), st.text(max_size=30)))
def test_any_form_is_taken_or_refused_and_nothing_worse(form: dict[str, str]) -> None:
    try:
        read_form(form)
    except FieldError as error:
        faults = error.errors
    else:
        faults = {}
    assert set(faults) <= {*FORM, "note"}
    assert all(text.endswith(".") for text in faults.values())
