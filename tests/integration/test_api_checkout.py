"""POST /api/checkout, as the contract says it to the letter."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
import requests

from storefront.settings import Settings
from tests.contract.description import decode, load_description, request_schema
from tests.factories.events import JsonObject, announce, problem_of, row_counts
from tests.fixtures.shop import CUSTOMER, READING, OpenShop, Shop

CHECKOUT = "/api/checkout"
CREATE: JsonObject = {"method": "POST", "path": "/v1/checkout/sessions"}
LIMIT = 64 * 1024


def body(*items: tuple[str, Any], customer: Any = CUSTOMER, **more: Any) -> JsonObject:
    """Give a body; one reading unless told otherwise."""
    wanted = items or ((READING, 1),)
    lines = [{"service_id": name, "quantity": quantity} for name, quantity in wanted]
    return {"items": lines, "customer": customer, **more}


def ask(shop: Shop, sent: Any, key: str | bytes | None = None) -> requests.Response:
    headers: dict[str, Any] = {} if key is None else {"Idempotency-Key": key}
    return shop.post(CHECKOUT, json=sent, headers=headers)


def ask_raw(
    shop: Shop, sent: bytes, kind: str | None = "application/json"
) -> requests.Response:
    return shop.post(CHECKOUT, data=sent, headers={"Content-Type": kind})


def fields(answer: requests.Response, status: int = 422) -> dict[str, str]:
    """Give the bad fields of a problem, each with its sentence."""
    errors = problem_of(answer, status)["errors"]
    assert all(set(error) == {"field", "message"} for error in errors)
    assert all(error["message"] for error in errors)
    return {error["field"]: error["message"] for error in errors}


# What is answered


def test_a_checkout_is_answered_with_exactly_what_the_contract_says(
    shop: Shop,
) -> None:
    answer = ask(shop, body((READING, 2)))

    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {
        "order_id",
        "number",
        "status",
        "checkout_url",
        "order_url",
        "currency",
        "total_amount",
        "expires_at",
    }
    row = shop.row("SELECT * FROM orders")
    session = shop.emulator.session(row["provider_session_id"])
    base = shop.app.config["SETTINGS"].base_url
    assert UUID(told["order_id"]) == UUID(str(row["id"]))
    assert told["number"] == row["number"]
    assert told["status"] == "pending"
    assert told["checkout_url"] == session["url"]
    assert told["order_url"] == f"{base}/orders/{row['page_token']}"
    assert (told["currency"], told["total_amount"]) == ("EUR", 16000)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_order_is_written_as_the_contract_says(shop: Shop) -> None:
    placed = shop.place(quantity=2)

    row = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)

    (line,) = row["line_items"]
    assert (
        line.items()
        >= {
            "service_id": READING,
            "quantity": 2,
            "unit_amount": 8000,
            "name": "Birth chart reading",
            "kind": "session",
        }.items()
    )
    assert (row["status"], row["currency"], row["total_amount"]) == (
        "pending",
        "EUR",
        16000,
    )
    assert row["customer_email"] == CUSTOMER["email"]
    assert row["customer_name"] == CUSTOMER["name"]
    assert row["provider"] == "stripe"
    assert shop.history(placed.id) == ["created"]
    # 256 bits, as text of six bits a letter.
    assert len(row["page_token"]) >= 43


def test_the_deadline_is_the_sessions_own(shop: Shop) -> None:
    placed = shop.place()

    row = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)
    session = shop.emulator.session(placed.session_id)

    assert abs(row["expires_at"].timestamp() - session["expires_at"]) < 1
    assert 30 * 60 <= session["expires_at"] - time.time() <= 24 * 3600


def test_prices_come_from_the_catalog_as_it_is_now(shop: Shop) -> None:
    shop.rows("UPDATE products SET unit_amount = 8100 WHERE id = %s", READING)

    assert ask(shop, body((READING, 3))).json()["total_amount"] == 24300


def test_lines_of_one_product_are_merged(shop: Shop) -> None:
    answer = ask(shop, body((READING, 1), ("three-readings", 1), (READING, 2)))

    assert answer.json()["total_amount"] == 3 * 8000 + 21000
    order = shop.order(answer.json()["order_id"])
    lines = {line["service_id"]: line["quantity"] for line in order["line_items"]}
    assert len(order["line_items"]) == 2
    assert lines == {READING: 3, "three-readings": 1}


@pytest.mark.parametrize("quantity", [1, 20])
def test_one_to_twenty_may_be_bought(shop: Shop, quantity: int) -> None:
    answer = ask(shop, body((READING, quantity)))

    assert answer.status_code == 201
    assert answer.json()["total_amount"] == 8000 * quantity


def test_twenty_lines_of_one_are_twenty_of_it(shop: Shop) -> None:
    assert ask(shop, body(*[(READING, 1)] * 20)).json()["total_amount"] == 160_000


def test_yen_have_no_decimals_here_or_at_stripe(shop: Shop) -> None:
    told = ask(shop, body(("reading-in-yen", 2))).json()

    assert (told["currency"], told["total_amount"]) == ("JPY", 18000)
    (session,) = shop.emulator.ledger()["sessions"]
    assert (session["currency"], session["amount_total"]) == ("jpy", 18000)


def test_the_least_and_the_most_that_can_be_paid_are_taken(shop: Shop) -> None:
    assert ask(shop, body(("tiny-thing", 3))).json()["total_amount"] == 60
    assert ask(shop, body(("dear-thing", 11))).json()["total_amount"] == 99_000_000


# What is refused

QUANTITIES = {
    "zero": "0",
    "minus one": "-1",
    "a fraction": "1.5",
    "an exponent as text": '"1e3"',
    "another script's digit": '"٣"',
    "a blank before it": '" 1"',
    "hexadecimal": '"0x1"',
    "2^31": str(2**31),
    "2^63": str(2**63),
    "NaN": "NaN",
    "Infinity": "Infinity",
    "true": "true",
    "null": "null",
    "a list": "[]",
    "a whole float": "1.0",
    "a text": '"1"',
    "twenty-one": "21",
    "an object": "{}",
    "an exponent": "1e400",
}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES.keys())
def test_a_quantity_that_is_no_whole_number_from_1_to_20_is_refused(
    shop: Shop, quantity: str
) -> None:
    before = row_counts(shop)
    sent = json.dumps(body((READING, "QUANTITY"))).replace('"QUANTITY"', quantity)

    answer = ask_raw(shop, sent.encode())

    assert set(fields(answer)) == {"items.0.quantity"}
    assert "20" in fields(answer)["items.0.quantity"]
    assert row_counts(shop) == before


ITEMS: dict[str, Any] = {
    "none": [],
    "null": None,
    "an object": {"service_id": READING, "quantity": 1},
    "a text": READING,
    "a list of texts": [READING],
    "a list of null": [None],
    "one hundred and one": [{"service_id": READING, "quantity": 1}] * 101,
    "twenty-one lines of one product": [{"service_id": READING, "quantity": 1}] * 21,
    "no quantity": [{"service_id": READING}],
    "no product": [{"quantity": 1}],
}


@pytest.mark.parametrize("items", ITEMS.values(), ids=ITEMS.keys())
def test_items_that_are_no_list_of_lines_are_refused(shop: Shop, items: Any) -> None:
    before = row_counts(shop)

    answer = ask(shop, {"items": items, "customer": CUSTOMER})

    assert all(field.startswith("items") for field in fields(answer))
    assert row_counts(shop) == before


PRODUCTS: dict[str, Any] = {
    "unknown": "nothing",
    "no longer sold": "almanac-2026",
    "empty": "",
    "in capitals": READING.upper(),
    "with NUL": "birth\x00",
    "with half a surrogate": "\ud800",
    "SQL": "' OR 1=1 --",
    "a path": "../" + READING,
    "very long": "x" * 5000,
    "a line after it": READING + "\n",
    "a number": 1,
    "null": None,
    "a list": [READING],
}


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_a_product_that_cannot_be_bought_is_refused_by_its_place(
    shop: Shop, product: Any
) -> None:
    before = row_counts(shop)

    answer = ask(shop, body((READING, 1), (product, 1)))

    assert set(fields(answer)) == {"items.1.service_id"}
    assert row_counts(shop) == before


TOTALS = {
    "below the minimum": [("tiny-thing", 1)],
    "above the maximum": [("dear-thing", 12)],
    "far above the maximum": [("dear-thing", 20)],
    "two currencies": [(READING, 1), ("reading-in-yen", 1)],
}


@pytest.mark.parametrize("items", TOTALS.values(), ids=TOTALS.keys())
def test_a_total_that_stripe_would_refuse_never_reaches_it(
    shop: Shop, items: list[tuple[str, int]]
) -> None:
    before = row_counts(shop)

    assert set(fields(ask(shop, body(*items)))) == {"items"}

    assert row_counts(shop) == before
    assert shop.emulator.ledger()["sessions"] == []


UNKNOWN: dict[str, tuple[Callable[[JsonObject], Any], str]] = {
    "a total": (lambda sent: sent.update(total_amount=1), "total_amount"),
    "a currency": (lambda sent: sent.update(currency="JPY"), "currency"),
    "a status": (lambda sent: sent.update(status="paid"), "status"),
    "an order's id": (lambda sent: sent.update(order_id="x"), "order_id"),
    "a prototype": (lambda sent: sent.update(__proto__={}), "__proto__"),
    "a price": (lambda sent: sent["items"][0].update(price=1), "items.0.price"),
    "an amount": (
        lambda sent: sent["items"][0].update(unit_amount=1),
        "items.0.unit_amount",
    ),
    "a discount": (
        lambda sent: sent["items"][0].update(discount=100),
        "items.0.discount",
    ),
    "a phone": (lambda sent: sent["customer"].update(phone="1"), "customer.phone"),
}


@pytest.mark.parametrize(("add", "field"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_field_that_is_not_known_is_refused_by_its_name(
    shop: Shop, add: Callable[[JsonObject], Any], field: str
) -> None:
    before = row_counts(shop)
    sent = body(customer=dict(CUSTOMER))
    add(sent)

    assert set(fields(ask(shop, sent))) == {field}

    assert row_counts(shop) == before


def test_what_is_missing_is_named(shop: Shop) -> None:
    assert set(fields(ask(shop, {}))) == {"items", "customer"}
    lines = body()["items"]
    answer = ask(shop, {"items": lines, "customer": {}})
    assert set(fields(answer)) == {"customer.email", "customer.name"}


UNREADABLE = {
    "nothing": b"",
    "a blank": b" ",
    "a cut object": b'{"items": [',
    "a comma too many": b'{"items": [], "customer": {},}',
    "a member twice": b'{"items": [], "items": [], "customer": {}}',
    "a member twice inside": b'{"items": [{"quantity": 1, "quantity": 2}]}',
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(body()).encode(),
    "nesting": b"[" * 10_000 + b"]" * 10_000,
    "nesting of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "invalid UTF-8": b'{"items": "\xff"}',
    "UTF-16": json.dumps(body()).encode("utf-16"),
    "two values": b"{} {}",
    "single quotes": b"{'items': []}",
    "NUL": b"\x00",
    "a form": b"service_id=x&quantity=1",
    "a number of 5,000 digits": b'{"items": %s}' % (b"9" * 5000),
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_read_is_a_400(shop: Shop, sent: bytes) -> None:
    before = row_counts(shop)

    problem_of(ask_raw(shop, sent), 400)

    assert row_counts(shop) == before


@pytest.mark.parametrize("sent", [b"[]", b'"x"', b"1", b"null", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_a_400(shop: Shop, sent: bytes) -> None:
    problem_of(ask_raw(shop, sent), 400)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "garbage",
    ],
)
def test_another_kind_of_body_is_a_415(shop: Shop, kind: str | None) -> None:
    before = row_counts(shop)

    problem_of(ask_raw(shop, json.dumps(body()).encode(), kind), 415)

    assert row_counts(shop) == before


def test_the_charset_may_be_named(shop: Shop) -> None:
    sent = json.dumps(body()).encode()

    answer = ask_raw(shop, sent, "application/json; charset=utf-8")

    assert answer.status_code == 201


def test_a_body_of_64_kib_is_taken_and_one_byte_more_refused(shop: Shop) -> None:
    whole = json.dumps(body()).encode().ljust(LIMIT)
    assert ask_raw(shop, whole).status_code == 201
    before = row_counts(shop)

    kind = {"Content-Type": "application/json"}
    problem_of(announce(shop, CHECKOUT, LIMIT + 1, **kind), 413)

    assert row_counts(shop) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_405_and_say_which_is_right(shop: Shop, method: str) -> None:
    answer = shop.http.request(
        method, shop.url + CHECKOUT, headers={"X-Canary": "canary"}
    )

    problem_of(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert "canary" not in answer.text


EMAILS: dict[str, Any] = {
    "empty": "",
    "no at": "ana",
    "no host": "ana@",
    "no mailbox": "@example.com",
    "two ats": "ana@b@example.com",
    "321 characters": "a" * 309 + "@example.com",
    "255 characters": "a@" + "b.c" * 83 + ".com",
    "a blank before": " ana@example.com",
    "a blank after": "ana@example.com ",
    "a dot at the end": "ana@example.com.",
    "a dot before the at": "ana.@example.com",
    "quotes": '"ana lima"@example.com',
    "an emoji": "ana😀@example.com",
    "letters beyond ASCII before the at": "aña@example.com",
    "a blank inside": "ana@exam ple.com",
    "a header": "ana@example.com\r\nBcc: x@example.com",
    "an encoded header": "ana@example.com%0aCc:x@example.com",
    "a line": "ana@example.com\n",
    "two addresses": "ana@example.com,bob@example.com",
    "two addresses by semicolon": "ana@example.com;bob@example.com",
    "name and address": "Ana <ana@example.com>",
    "an address literal": "ana@[127.0.0.1]",
    "no dot in the host": "ana@localhost",
    "NUL": "ana\x00@example.com",
    "half a surrogate": "ana\ud800@example.com",
    "null": None,
    "a number": 5,
    "a list": ["ana@example.com"],
    "an object": {"email": "ana@example.com"},
}


@pytest.mark.parametrize("email", EMAILS.values(), ids=EMAILS.keys())
def test_what_is_not_one_plain_mailbox_is_refused(shop: Shop, email: Any) -> None:
    before = row_counts(shop)

    answer = ask(shop, body(customer={**CUSTOMER, "email": email}))

    assert set(fields(answer)) == {"customer.email"}
    assert row_counts(shop) == before


GOOD_EMAILS = {
    "o'brien+moon@example.com": "o'brien+moon@example.com",
    "a.b_c-d@sub.example.com": "a.b_c-d@sub.example.com",
    "ana@münchen.de": "ana@xn--mnchen-3ya.de",
    "Ana@EXAMPLE.com": "Ana@example.com",
    "a" * 64 + "@example.com": "a" * 64 + "@example.com",
}


@pytest.mark.parametrize(("email", "kept"), GOOD_EMAILS.items())
def test_a_plain_mailbox_is_kept_in_ascii(shop: Shop, email: str, kept: str) -> None:
    answer = ask(shop, body(customer={**CUSTOMER, "email": email}))

    assert answer.status_code == 201, answer.text
    assert shop.row("SELECT * FROM orders")["customer_email"] == kept
    (session,) = shop.emulator.ledger()["sessions"]
    assert session["customer_email"] == kept


NAMES: dict[str, Any] = {
    "empty": "",
    "blanks": "   ",
    "201 characters": "a" * 201,
    "sixty thousand characters": "a" * 60_000,
    "NUL": "Ana\x00",
    "a bell": "Ana\x07",
    "a line": "Ana\nLima",
    "a carriage return": "Ana\rLima",
    "a tab": "Ana\tLima",
    "a control beyond ASCII": "Ana\x85Lima",
    "another direction": "Ana\u202eamiL",
    "an isolate": "Ana\u2066Lima",
    "nothing to see": "\u200b",
    "half a surrogate": "Ana\ud800",
    "null": None,
    "a number": 5,
    "a list": ["Ana"],
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_cannot_be_written_on_a_card_is_refused(
    shop: Shop, name: Any
) -> None:
    before = row_counts(shop)

    answer = ask(shop, body(customer={**CUSTOMER, "name": name}))

    assert set(fields(answer)) == {"customer.name"}
    assert row_counts(shop) == before


GOOD_NAMES = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "=1+1",
    "O'Brien",
    'Ana "Nana" Lima',
    "Zoë Núñez-Ørsted",
    "李小龍",
    "山田\u3000太郎",
    "Jean\u00a0Paul",
    "محمد",
    "a" * 200,
    "&amp;",
]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_every_other_name_is_kept_as_it_is(shop: Shop, name: str) -> None:
    answer = ask(shop, body(customer={**CUSTOMER, "name": name}))

    assert answer.status_code == 201, answer.text
    assert shop.row("SELECT * FROM orders")["customer_name"] == name


# Keys


def test_the_same_key_and_body_give_the_first_answer_again(shop: Shop) -> None:
    first = ask(shop, body(), "key-1")
    again = ask(shop, body(), "key-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len(shop.rows("SELECT * FROM orders")) == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_the_first_answer_comes_again_whatever_has_happened_since(shop: Shop) -> None:
    first = ask(shop, body(), "key-1")
    shop.rows("UPDATE products SET is_active = false")
    shop.emulator.fail()

    assert ask(shop, body(), "key-1").json() == first.json()


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    """Row 20: one key is one wish."""
    ask(shop, body(), "key-1")
    before = row_counts(shop)

    for other in (
        body((READING, 2)),
        body(("three-readings", 1)),
        body(customer={**CUSTOMER, "email": "bob@example.com"}),
        body(customer={**CUSTOMER, "name": "Bob"}),
    ):
        told = problem_of(ask(shop, other, "key-1"), 422)
        message = told["detail"]
        assert told["errors"] == [{"field": "Idempotency-Key", "message": message}]
        assert CUSTOMER["email"] not in json.dumps(told)

    assert row_counts(shop) == before


def test_without_a_key_or_with_another_each_checkout_is_its_own(shop: Shop) -> None:
    for key in ("key-1", "key-2", "KEY-1", None, None):
        assert ask(shop, body(), key).status_code == 201

    assert len(shop.rows("SELECT * FROM orders")) == 5


BAD_KEYS: dict[str, str | bytes] = {
    "empty": "",
    "256 characters": "k" * 256,
    "a tab": "a\tb",
    "delete": "a\x7fb",
    "Latin-1": b"caf\xe9",
    "UTF-8": "schlüssel".encode(),
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_a_key_that_is_not_printable_ascii_is_a_400(
    shop: Shop, key: str | bytes
) -> None:
    before = row_counts(shop)

    problem_of(ask(shop, body(), key), 400)

    assert row_counts(shop) == before


@pytest.mark.parametrize("key", ["k", "k" * 255, "with blanks and ~!\"'%", "a/b:c,d"])
def test_a_key_of_printable_ascii_is_kept(shop: Shop, key: str) -> None:
    first = ask(shop, body(), key)

    assert first.status_code == 201
    assert ask(shop, body(), key).json() == first.json()


def test_a_refused_body_does_not_use_the_key_up(shop: Shop) -> None:
    assert ask(shop, body((READING, 0)), "key-1").status_code == 422
    assert ask(shop, body(("tiny-thing", 1)), "key-1").status_code == 422

    assert ask(shop, body(), "key-1").status_code == 201


# Stripe in trouble


def waits_for_stripe(shop: Shop, key: str = "key-1") -> str:
    """Check out while Stripe is no use; give the order that is kept."""
    answer = ask(shop, body(), key)
    problem_of(answer, 503)
    assert answer.headers["Retry-After"] == "10"
    row = shop.row("SELECT * FROM orders")
    assert row["status"] == "pending"
    return str(row["id"])


def goes_on(shop: Shop, order_id: str, key: str = "key-1") -> None:
    """Check that the same key goes on with that order, now that Stripe is back."""
    answer = ask(shop, body(), key)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["order_id"] == order_id
    assert len(shop.rows("SELECT * FROM orders")) == 1
    sessions = shop.emulator.ledger()["sessions"]
    (session,) = [one for one in sessions if one["status"] == "open"]
    assert session["url"] == told["checkout_url"]
    assert session["client_reference_id"] == order_id
    shop.emulator.pay(session["id"])
    shop.emulator.wait()
    assert shop.order(order_id)["status"] == "paid"


TROUBLES: dict[str, JsonObject] = {
    "500": {"status": 500},
    "502 with a page": {"status": 502, "html": True},
    "429": {"status": 429},
    "409": {"status": 409},
    "401": {"status": 401},
    "403": {"status": 403},
    "400": {"status": 400},
    "503": {"status": 503},
    "200 with a page": {"status": 200, "html": True},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_while_stripe_fails_the_order_waits_and_the_same_key_goes_on(
    shop: Shop, trouble: JsonObject
) -> None:
    began = time.monotonic()
    shop.emulator.fail(**{**CREATE, **trouble})
    order_id = waits_for_stripe(shop)
    assert time.monotonic() - began < 12

    shop.emulator.set_faults()
    goes_on(shop, order_id)
    assert len(shop.emulator.ledger()["sessions"]) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_that_stripe_keeps_under_our_key_is_not_asked_for_again_for_ever(
    shop: Shop, when: str
) -> None:
    shop.emulator.fail(500, kept=True, when=when, **CREATE)
    order_id = waits_for_stripe(shop)

    shop.emulator.set_faults()
    goes_on(shop, order_id)


NONSENSE: dict[str, JsonObject] = {
    "no page": {"url": None},
    "an empty page": {"url": ""},
    "a page elsewhere": {"url": "https://evil.example/c/pay/cs_test_1"},
    "a page that looks alike": {"url": "https://checkout.stripe.com.evil.example/c"},
    "a page with another name in front": {
        "url": "https://checkout.stripe.com@evil.example/"
    },
    "a page without TLS": {"url": "http://checkout.stripe.com/c/pay/cs_test_1"},
    "a script": {"url": "javascript:alert(1)"},
    "a number for a page": {"url": 7},
    "another amount": {"amount_total": 7999},
    "no amount": {"amount_total": None},
    "an amount as text": {"amount_total": "8000"},
    "another currency": {"currency": "usd"},
    "no currency": {"currency": None},
    "no id": {"id": None},
    "no status": {"status": None},
}


@pytest.mark.parametrize("members", NONSENSE.values(), ids=NONSENSE.keys())
def test_no_customer_is_sent_where_stripes_answer_makes_no_sense(
    shop: Shop, members: JsonObject
) -> None:
    shop.emulator.talk_nonsense(members, **CREATE)
    waits_for_stripe(shop)

    # The session may well be there, and sound: then its own page is given next.
    answer = ask(shop, body(), "key-1")
    if answer.status_code == 201:
        (session,) = shop.emulator.ledger()["sessions"]
        assert answer.json()["checkout_url"] == session["url"]
    else:
        problem_of(answer, 503)


@pytest.mark.parametrize(
    "members", [{"url": None}, {"url": "https://evil.example/"}, {"amount_total": 1}]
)
def test_after_nonsense_the_same_key_goes_on_with_that_order(
    shop: Shop, members: JsonObject
) -> None:
    shop.emulator.talk_nonsense(members, **CREATE)
    order_id = waits_for_stripe(shop)

    shop.emulator.set_faults()
    goes_on(shop, order_id)


def test_a_silent_stripe_is_given_up_within_twelve_seconds(shop: Shop) -> None:
    shop.emulator.be_slow(6000, **CREATE)
    began = time.monotonic()
    order_id = waits_for_stripe(shop)
    assert time.monotonic() - began < 12

    shop.emulator.set_faults()
    give_up_at = time.monotonic() + 15
    while ask(shop, body(), "key-1").status_code == 503:
        assert time.monotonic() < give_up_at
    goes_on(shop, order_id)
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_a_failure_at_stripe_says_nothing_of_keys_or_stripes_words(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = open_shop()
    shop.emulator.fail(401, **CREATE)

    answer = ask(shop, body())

    told = capsys.readouterr()
    assert "/api/checkout" in told.out
    for text in (answer.text, told.out, told.err):
        assert "sk_test" not in text
        assert CUSTOMER["email"] not in text


def test_an_unused_page_of_the_shop_stays_up_while_stripe_is_down(shop: Shop) -> None:
    shop.emulator.fail()

    assert shop.get("/").status_code == 200
    assert shop.get("/readyz").status_code == 200


# What Stripe is asked


@pytest.fixture
def asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> list[requests.PreparedRequest]:
    """Keep what the shop sends to Stripe, as it goes over the wire."""
    sent: list[requests.PreparedRequest] = []
    send = requests.Session.send

    def keep(
        session: requests.Session, request: requests.PreparedRequest, **more: Any
    ) -> requests.Response:
        if str(request.url).startswith(f"{shop.emulator.url}/v1/"):
            sent.append(request)
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", keep)
    return sent


def test_the_request_fits_stripes_own_description(
    shop: Shop, asked: list[requests.PreparedRequest]
) -> None:
    shop.checkout("almanac-2027-printed")
    (request,) = asked
    description = load_description()
    found = description.find_operation("post", "/v1/checkout/sessions")
    assert found
    name, operation = found

    assert description.request_faults(name, operation, str(request.body)) == []
    assert request.headers["Idempotency-Key"]
    assert request.headers["Stripe-Version"] == "2026-10-28.endive"


def test_the_request_carries_our_mark_twice_and_nothing_personal_in_it(
    shop: Shop, asked: list[requests.PreparedRequest]
) -> None:
    placed = shop.place(quantity=2)
    (request,) = asked
    found = load_description().find_operation("post", "/v1/checkout/sessions")
    assert found
    sent = decode(str(request.body), request_schema(found[1]))

    assert sent["client_reference_id"] == placed.id
    # Metadata does not flow from the session to its payment: both carry the mark.
    for metadata in (sent["metadata"], sent["payment_intent_data"]["metadata"]):
        assert metadata["order_id"] == placed.id
        assert metadata["storefront"] == shop.app.config["SETTINGS"].base_url
        for text in (*CUSTOMER.values(), placed.token):
            assert text not in json.dumps(metadata)
        assert len(metadata) <= 50
        assert all(len(key) <= 40 for key in metadata)
        assert all(len(value) <= 500 for value in metadata.values())
    (line,) = sent["line_items"]
    assert line["quantity"] == 2
    assert line["price_data"] == {
        "currency": "eur",
        "unit_amount": 8000,
        "product_data": {"name": "Birth chart reading"},
    }
    base = shop.app.config["SETTINGS"].base_url
    for name in ("success_url", "cancel_url"):
        assert sent[name].startswith(f"{base}/orders/{placed.token}")


def test_the_request_leaves_the_ways_of_paying_to_stripe(
    shop: Shop, asked: list[requests.PreparedRequest]
) -> None:
    shop.place()
    names = [name for name, _ in parse_qsl(str(asked[0].body))]

    for refused in ("payment_method_types", "ui_mode", "allow_promotion_codes"):
        assert not any(name.startswith(refused) for name in names)


def test_each_attempt_has_a_key_of_its_own_and_keeps_it(
    shop: Shop, asked: list[requests.PreparedRequest]
) -> None:
    shop.emulator.fail(503, times=2, **CREATE)
    assert ask(shop, body(), "key-1").status_code == 201
    assert ask(shop, body(), "key-2").status_code == 201

    keys = [str(request.headers["Idempotency-Key"]) for request in asked]
    assert [keys.count(key) for key in dict.fromkeys(keys)] == [3, 1]
    by_key = {key: set[Any]() for key in keys}
    for key, request in zip(keys, asked, strict=True):
        by_key[key].add(request.body)
    # The same key always asks for the same, or Stripe refuses it.
    assert all(len(bodies) == 1 for bodies in by_key.values())


def test_the_order_is_committed_and_no_transaction_open_while_stripe_is_asked(
    shop: Shop,
) -> None:
    shop.emulator.be_slow(3000, times=1, **CREATE)
    answers: list[requests.Response] = []
    asking = threading.Thread(target=lambda: answers.append(shop.checkout()))
    asking.start()

    give_up_at = time.monotonic() + 10
    while not (orders := shop.rows("SELECT * FROM orders")):
        assert time.monotonic() < give_up_at
    assert orders[0]["status"] == "pending"
    assert orders[0]["provider_session_id"] is None
    # From here until Stripe answers: looked at several times, well within its pause.
    time.sleep(1)
    for _ in range(5):
        busy = shop.rows(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'storefront' AND xact_start IS NOT NULL"
        )
        assert busy == []
        assert asking.is_alive()
        time.sleep(0.1)
    asking.join()

    assert answers[0].status_code == 201


# How many


def test_ten_checkouts_a_minute_are_the_usual_limit() -> None:
    assert Settings.model_fields["checkout_rate"].default == "10 per minute"


def test_the_eleventh_checkout_of_a_minute_is_told_to_wait(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="10 per minute")
    for _ in range(10):
        assert ask(shop, body()).status_code == 201
    before = row_counts(shop)

    answer = ask(shop, body())

    problem_of(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert row_counts(shop) == before
    assert len(shop.emulator.ledger()["sessions"]) == 10
    assert shop.get("/api/products").status_code == 200


def test_repeats_and_refused_input_do_not_count(open_shop: OpenShop) -> None:
    shop = open_shop(CHECKOUT_RATE="2 per minute")

    for _ in range(5):
        assert ask(shop, body(), "key-1").status_code == 201
        assert ask(shop, body((READING, 2)), "key-1").status_code == 422
        assert ask(shop, body((READING, 0))).status_code == 422
        assert ask(shop, body(("tiny-thing", 1))).status_code == 422
        assert ask(shop, body(("nothing", 1))).status_code == 422
        assert ask_raw(shop, b"{").status_code == 400
    assert ask(shop, body(), "key-2").status_code == 201

    problem_of(ask(shop, body(), "key-3"), 429)
    assert ask(shop, body(), "key-1").status_code == 201


def test_a_repeat_that_goes_on_after_stripe_was_down_does_not_count(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute")
    shop.emulator.fail(429, **CREATE)
    order_id = waits_for_stripe(shop)

    shop.emulator.set_faults()
    goes_on(shop, order_id)


def test_a_made_up_address_does_not_get_round_the_limit(open_shop: OpenShop) -> None:
    shop = open_shop(CHECKOUT_RATE="2 per minute")

    statuses = [
        shop.post(
            CHECKOUT,
            json=body(),
            headers={
                "X-Forwarded-For": f"203.0.113.{n}",
                "X-Real-IP": f"203.0.113.{n}",
                "Forwarded": f"for=203.0.113.{n}",
            },
        ).status_code
        for n in range(4)
    ]

    assert statuses == [201, 201, 429, 429]


def test_behind_a_proxy_its_word_counts_and_not_the_clients(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute", TRUSTED_PROXIES="1")

    def status(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return shop.post(CHECKOUT, json=body(), headers=headers).status_code

    assert status("203.0.113.1") == 201
    assert status("203.0.113.2") == 201
    assert status("198.51.100.7, 203.0.113.1") == 429


def test_a_request_that_another_site_has_caused_is_refused(shop: Shop) -> None:
    before = row_counts(shop)

    answer = shop.post(CHECKOUT, json=body(), headers={"Sec-Fetch-Site": "cross-site"})

    problem_of(answer, 403)
    assert row_counts(shop) == before


def test_another_host_is_refused_and_addresses_come_from_the_settings(
    shop: Shop,
) -> None:
    problem_of(shop.post(CHECKOUT, json=body(), headers={"Host": "evil.example"}), 400)
    answer = shop.post(
        CHECKOUT, json=body(), headers={"X-Forwarded-Host": "evil.example"}
    )
    assert answer.status_code == 201
    assert "evil.example" not in answer.text
    (session,) = shop.emulator.ledger()["sessions"]
    assert "evil.example" not in json.dumps(session)
