"""A file is delivered at once only to whoever asked for that, and knows the price."""

import re

import pytest
import requests

from storefront.checkout.purchase import Purchase
from tests.fixtures.shop import CUSTOMER, READING, Shop
from tests.integration.test_checkout_form import alarms, fields, opened, submit
from tests.integration.test_receipt_file import said

FILE = "almanac-2027-digital"
PRINTED = "almanac-2027-printed"
VERSION = "2026-11"


def box(html: str) -> str:
    """Give the tag of the box to tick."""
    (tag,) = re.findall(r'<input [^>]*type="checkbox"[^>]*>', html)
    return str(tag)


def stored(shop: Shop) -> object:
    """Give what the only order's customer agreed to."""
    return shop.row("SELECT consent FROM orders")["consent"]


# The form


def test_the_box_for_a_download_is_not_ticked_beforehand(shop: Shop) -> None:
    tag = box(shop.get(f"/checkout?service_id={FILE}").text)

    assert 'name="consent"' in tag
    assert f'value="{VERSION}"' in tag
    assert " checked" not in tag


@pytest.mark.parametrize("product", [READING, "three-readings", PRINTED])
def test_nothing_else_asks_for_a_tick(shop: Shop, product: str) -> None:
    page = shop.get(f"/checkout?service_id={product}").text

    assert 'type="checkbox"' not in page
    assert submit(shop, opened(shop, product)).status_code == 303
    assert stored(shop) is None


def test_a_download_without_the_tick_is_a_fault_at_the_box(shop: Shop) -> None:
    answer = submit(shop, opened(shop, FILE))

    assert answer.status_code == 422
    assert alarms(answer.text) == ["consent"]
    assert 'href="#consent"' in answer.text
    assert " checked" not in box(answer.text)
    assert shop.rows("SELECT * FROM orders") == []


def test_a_missing_tick_is_told_with_all_other_faults(shop: Shop) -> None:
    answer = submit(shop, opened(shop, FILE, email="ana"))

    assert set(alarms(answer.text)) == {"email", "consent"}


def test_a_tick_comes_back_with_what_else_was_typed(shop: Shop) -> None:
    answer = submit(shop, opened(shop, FILE, consent=VERSION, email="ana"))

    assert alarms(answer.text) == ["email"]
    assert " checked" in box(answer.text)


@pytest.mark.parametrize("value", ["on", "true", "2020-01", "x" * 5000, "\x00"])
def test_a_tick_at_another_text_does_not_count(shop: Shop, value: str) -> None:
    answer = submit(shop, opened(shop, FILE, consent=value))

    assert answer.status_code == 422
    assert alarms(answer.text) == ["consent"]
    assert shop.rows("SELECT * FROM orders") == []


def test_what_was_agreed_to_is_kept_in_the_words_that_were_read(shop: Shop) -> None:
    form = fields(shop.get(f"/es/checkout?service_id={FILE}").text)
    sent = {**form, **CUSTOMER, "note": "", "consent": VERSION}

    assert shop.post("/es/checkout", data=sent).status_code == 303

    consent = stored(shop)
    assert isinstance(consent, dict)
    assert consent["text"].startswith("Quiero la descarga al momento")
    assert {**consent, "text": ""} == {
        "kind": "withdrawal",
        "version": VERSION,
        "language": "es",
        "text": "",
    }


def test_the_orders_page_says_what_was_agreed_to(shop: Shop) -> None:
    submit(shop, opened(shop, FILE, consent=VERSION))
    token = shop.row("SELECT page_token FROM orders")["page_token"]

    assert "I want the download at once" in shop.get(f"/orders/{token}").text


def test_the_receipt_confirms_what_was_agreed_to(shop: Shop) -> None:
    submit(shop, opened(shop, FILE, consent=VERSION))
    shop.emulator.pay(shop.row("SELECT * FROM orders")["provider_session_id"])
    shop.emulator.wait()
    shop.run_job("send-mail")

    (receipt,) = [
        one for one in shop.mailbox.letters if CUSTOMER["email"] in one.recipients
    ]
    token = shop.row("SELECT page_token FROM orders")["page_token"]
    assert "I want the download at once" in said(
        shop.get(f"/orders/{token}/receipt.pdf").content
    )
    for part in (receipt.text, receipt.html):
        assert "I want the download at once" in (part or "")
        assert f"version {VERSION} of the text" in (part or "")


def test_another_variant_asks_for_what_it_needs(shop: Shop) -> None:
    form = opened(shop, PRINTED)

    for product, asks in ((FILE, True), (PRINTED, False)):
        again = shop.post(
            "/checkout/again",
            data={**form, "service_id": product},
            headers={"HX-Request": "true"},
        )
        assert ('name="consent"' in again.text) == asks


# The API


def ask(shop: Shop, consent: object, product: str = FILE) -> requests.Response:
    return shop.post(
        "/api/checkout",
        json={
            "items": [{"service_id": product, "quantity": 1}],
            "customer": CUSTOMER,
            "consent": consent,
        },
    )


def test_a_program_may_order_a_download_without_a_word_of_it(shop: Shop) -> None:
    assert shop.checkout(FILE).status_code == 201
    assert stored(shop) is None


def test_a_program_passes_on_what_its_customer_agreed_to(shop: Shop) -> None:
    (product,) = [one for one in shop.get("/api/products").json() if one["id"] == FILE]
    asked = product["consent"]
    assert asked["text"].startswith("I want the download at once")

    answer = ask(shop, {"withdrawal": asked["withdrawal"]})

    assert answer.status_code == 201
    assert stored(shop) == {
        "kind": "withdrawal",
        "version": VERSION,
        "language": "en",
        "text": asked["text"],
    }


def test_products_without_a_file_ask_a_program_for_nothing(shop: Shop) -> None:
    told = {one["id"]: one["consent"] for one in shop.get("/api/products").json()}

    assert [product for product, consent in told.items() if consent] == [FILE]


def test_a_consent_that_nothing_asked_for_is_not_kept(shop: Shop) -> None:
    assert ask(shop, {"withdrawal": VERSION}, READING).status_code == 201
    assert stored(shop) is None


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        ({"withdrawal": "2020-01"}, "consent.withdrawal"),
        ({"withdrawal": ""}, "consent.withdrawal"),
        ({"withdrawal": True}, "consent.withdrawal"),
        ({"withdrawal": "x" * 101}, "consent.withdrawal"),
        ({}, "consent.withdrawal"),
        ({"withdrawal": VERSION, "marketing": VERSION}, "consent.marketing"),
        (True, "consent"),
        ([VERSION], "consent"),
    ],
)
def test_an_odd_consent_of_a_program_is_refused(
    shop: Shop, consent: object, field: str
) -> None:
    answer = ask(shop, consent)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert shop.rows("SELECT * FROM orders") == []


def test_a_key_from_before_there_were_consents_still_finds_its_order() -> None:
    purchase = Purchase((("a", 1),), "a@example.com", "Ana", None, "en")
    assert purchase.fingerprint().startswith("9c5e2b11b2fc6fba0fd5c718eeba867f")
