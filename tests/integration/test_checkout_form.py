"""The details form: from a product to the payment page, and back with faults."""

import re
import threading
import time
from html import unescape

import pytest
import requests

from tests.factories.events import JsonObject, row_counts
from tests.fixtures.shop import CUSTOMER, READING, OpenShop, Shop

CHECKOUT = "/checkout"
CREATE: JsonObject = {"method": "POST", "path": "/v1/checkout/sessions"}
Form = dict[str, str]


def opened(shop: Shop, product: str = READING, **typed: str) -> Form:
    """Open the form as a browser does; give its fields, filled in."""
    answer = shop.get(CHECKOUT, params={"service_id": product})
    assert answer.status_code == 200, answer.text
    return {**fields(answer.text), **CUSTOMER, "note": "", **typed}


def fields(html: str) -> Form:
    """Give the inputs of a page's form with what stands in them."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", html):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if given["type"] in ("checkbox", "radio") and "checked" not in tag:
            continue
        found[given["name"]] = unescape(given.get("value", ""))
    return found


def submit(shop: Shop, form: Form, **headers: str) -> requests.Response:
    return shop.post(CHECKOUT, data=form, headers=headers)


def alarms(html: str) -> list[str]:
    """Give the ids of the fields that a page complains about."""
    return re.findall(r'id="([a-z]+)"[^>]*aria-invalid="true"', html)


# The way there


def test_the_form_asks_for_what_is_needed_and_is_kept_by_nobody(shop: Shop) -> None:
    answer = shop.get(f"{CHECKOUT}?service_id={READING}&quantity=3")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    form = fields(answer.text)
    assert form["service_id"] == READING
    assert form["quantity"] == "3"
    assert form["csrf_token"]
    assert form["checkout_token"]
    assert {"email", "name"} <= set(form)
    assert 'name="note"' in answer.text
    assert "Birth chart reading" in answer.text
    assert "€240.00" in answer.text


def test_each_opened_form_has_a_token_of_its_own(shop: Shop) -> None:
    assert opened(shop)["checkout_token"] != opened(shop)["checkout_token"]


@pytest.mark.parametrize(
    "quantity", ["", "0", "-1", "x", "21", "1.5", "٣", "²", "9" * 4000, "%00"]
)
def test_an_odd_quantity_in_the_address_still_opens_the_form(
    shop: Shop, quantity: str
) -> None:
    answer = shop.get(f"{CHECKOUT}?service_id={READING}&quantity={quantity}")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("product", "status"),
    [
        ("nothing", 404),
        ("", 404),
        ("%00", 404),
        ("x" * 3000, 404),
        ("almanac-2026", 410),
    ],
)
def test_what_cannot_be_bought_has_no_form(
    shop: Shop, product: str, status: int
) -> None:
    answer = shop.get(f"{CHECKOUT}?service_id={product}")

    assert answer.status_code == status
    assert 'name="email"' not in answer.text


def test_without_a_product_there_is_no_form(shop: Shop) -> None:
    assert shop.get(CHECKOUT).status_code == 404


# The way on


def test_a_filled_form_leads_to_the_payment_page(shop: Shop) -> None:
    answer = submit(shop, opened(shop, quantity="2", note="After six, please."))

    assert answer.status_code == 303
    (session,) = shop.emulator.ledger()["sessions"]
    assert answer.headers["Location"] == session["url"]
    assert shop.emulator.url in session["url"]
    row = shop.row("SELECT * FROM orders")
    assert row["status"] == "pending"
    assert row["total_amount"] == 16000
    assert row["customer_email"] == CUSTOMER["email"]
    assert row["note"] == "After six, please."
    assert shop.get(answer.headers["Location"]).status_code == 200


def test_the_note_does_not_reach_stripe(shop: Shop) -> None:
    submit(shop, opened(shop, note="a-note-canary"))

    assert "a-note-canary" not in str(shop.emulator.ledger())


def test_the_same_form_sent_twice_is_one_order(shop: Shop) -> None:
    form = opened(shop)

    first, second = submit(shop, form), submit(shop, form)

    assert first.headers["Location"] == second.headers["Location"]
    assert len(shop.rows("SELECT * FROM orders")) == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_a_second_click_while_the_first_is_under_way_leads_to_the_same_page(
    shop: Shop,
) -> None:
    form = opened(shop)
    shop.emulator.be_slow(700, times=1, **CREATE)
    answers: list[requests.Response] = []

    def click() -> None:
        with requests.Session() as browser:
            browser.trust_env = False
            browser.cookies.update(shop.http.cookies)
            answers.append(
                browser.post(shop.url + CHECKOUT, data=form, allow_redirects=False)
            )

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(shop.rows("SELECT * FROM orders")) == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_a_corrected_form_is_another_order(shop: Shop) -> None:
    form = opened(shop)
    submit(shop, form)
    submit(shop, {**form, "quantity": "2"})

    assert len(shop.rows("SELECT * FROM orders")) == 2


def test_a_form_loaded_anew_on_the_way_back_is_the_same_order(shop: Shop) -> None:
    """Not every browser keeps the page that somebody goes back to."""
    sent = opened(shop, note="On a Friday", quantity="2")
    first = submit(shop, sent)
    html = shop.get(CHECKOUT, params={"service_id": READING}).text
    again = fields(html)

    second = submit(shop, {**again, "note": "On a Friday"})

    assert again | {"note": "On a Friday", "csrf_token": sent["csrf_token"]} == sent
    assert "On a Friday" in html
    assert second.headers["Location"] == first.headers["Location"]
    assert len(shop.rows("SELECT * FROM orders")) == 1


def test_a_form_loaded_anew_holds_no_note_where_none_was_written(shop: Shop) -> None:
    submit(shop, opened(shop))
    html = shop.get(CHECKOUT, params={"service_id": READING}).text

    assert re.search(r"<textarea[^>]*></textarea>", html)


def test_a_quantity_in_the_address_counts_more_than_what_was_sent(shop: Shop) -> None:
    submit(shop, opened(shop, quantity="2"))
    asked = {"service_id": READING, "quantity": "3"}

    assert fields(shop.get(CHECKOUT, params=asked).text)["quantity"] == "3"


def test_another_product_begins_with_an_empty_form(shop: Shop) -> None:
    sent = opened(shop)
    submit(shop, sent)
    html = shop.get(CHECKOUT, params={"service_id": "three-readings"}).text

    assert fields(html)["checkout_token"] != sent["checkout_token"]
    assert CUSTOMER["email"] not in html


@pytest.mark.parametrize(
    "ending",
    [
        "status = 'paid', paid_at = now()",
        "status = 'canceled'",
        # At the bank.
        "expires_at = NULL",
    ],
)
def test_after_its_order_is_done_a_form_begins_anew(shop: Shop, ending: str) -> None:
    """Somebody who buys the same once more gets an order of its own."""
    sent = opened(shop)
    submit(shop, sent)
    shop.rows(f"UPDATE orders SET {ending}")  # noqa: S608

    assert opened(shop)["checkout_token"] != sent["checkout_token"]
    assert (
        CUSTOMER["email"] not in shop.get(CHECKOUT, params={"service_id": READING}).text
    )


def test_nobody_else_sees_what_was_sent(shop: Shop) -> None:
    submit(shop, opened(shop))
    shop.http.cookies.clear()

    page = shop.get(CHECKOUT, params={"service_id": READING})

    assert CUSTOMER["email"] not in page.text


@pytest.mark.parametrize("token", ["", "\x00", "é", "x" * 5000, "' OR 1=1 --"])
def test_an_odd_checkout_token_does_no_harm(shop: Shop, token: str) -> None:
    answer = submit(shop, {**opened(shop), "checkout_token": token})

    assert answer.status_code == 303


def test_htmx_is_told_to_leave_for_the_payment_page(shop: Shop) -> None:
    answer = submit(shop, opened(shop), **{"HX-Request": "true"})

    assert answer.status_code == 200
    (session,) = shop.emulator.ledger()["sessions"]
    assert answer.headers["HX-Redirect"] == session["url"]
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "extra",
    [
        {"status": "paid"},
        {"unit_amount": "1", "total_amount": "1", "price": "1", "currency": "JPY"},
        {"order_id": "00000000-0000-4000-8000-000000000000"},
        {"next": "//evil.example", "return": "https://evil.example"},
        {"__proto__": "x", "product[]": "x"},
    ],
)
def test_fields_that_nobody_asked_for_change_nothing(shop: Shop, extra: Form) -> None:
    answer = submit(shop, {**opened(shop), **extra})

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(shop.emulator.url)
    row = shop.row("SELECT * FROM orders")
    assert (row["status"], row["total_amount"], row["currency"]) == (
        "pending",
        8000,
        "EUR",
    )


# Back with faults

FAULTS = {
    "no e-mail": ("email", ""),
    "no host in the e-mail": ("email", "ana@"),
    "two addresses": ("email", "ana@example.com,bob@example.com"),
    "a header in the e-mail": ("email", "ana@example.com\r\nBcc: x@example.com"),
    "a long e-mail": ("email", "a" * 309 + "@example.com"),
    "no name": ("name", ""),
    "blanks for a name": ("name", "   "),
    "201 characters of name": ("name", "a" * 201),
    "NUL in the name": ("name", "Ana\x00"),
    "another direction": ("name", "Ana\u202eamiL"),
    "no quantity": ("quantity", ""),
    "none": ("quantity", "0"),
    "less than none": ("quantity", "-1"),
    "half of one": ("quantity", "1.5"),
    "twenty-one": ("quantity", "21"),
    "another script's digit": ("quantity", "٣"),
    "an exponent": ("quantity", "1e3"),
    "hexadecimal": ("quantity", "0x1"),
    "a blank before": ("quantity", " 1"),
    "five thousand digits": ("quantity", "9" * 5000),
    "a long note": ("note", "a" * 1001),
    "NUL in the note": ("note", "a\x00"),
}


@pytest.mark.parametrize(("field", "value"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_brings_the_form_back_with_a_message_at_the_field(
    shop: Shop, field: str, value: str
) -> None:
    form = opened(shop, **{field: value})
    before = row_counts(shop)

    answer = submit(shop, form)

    assert answer.status_code == 422
    assert alarms(answer.text) == [field]
    said = answer.text.split(f'id="{field}-says"')[1].split("</div>")[0]
    assert 'class="fault"' in said
    assert row_counts(shop) == before


def test_what_was_typed_comes_back_with_every_fault_at_once(shop: Shop) -> None:
    typed = {
        "email": "ana at example",
        "name": "x" * 201,
        "quantity": "3",
        "note": 'I am "O\'Brien" <b>',
    }
    form = opened(shop, **typed)

    answer = submit(shop, form)

    assert answer.status_code == 422
    assert answer.headers["Cache-Control"] == "no-store"
    back = fields(answer.text)
    assert back["email"] == typed["email"]
    assert back["name"] == typed["name"]
    assert back["quantity"] == "3"
    assert back["checkout_token"] == form["checkout_token"]
    note = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.S)
    assert note
    assert unescape(note[1]) == typed["note"]
    assert "<b>" not in note[1]
    assert set(alarms(answer.text)) == {"email", "name"}


def test_a_corrected_form_goes_on(shop: Shop) -> None:
    answer = submit(shop, opened(shop, email="ana"))

    answer = submit(shop, {**fields(answer.text), **CUSTOMER})

    assert answer.status_code == 303
    assert len(shop.rows("SELECT * FROM orders")) == 1


@pytest.mark.parametrize("field", ["email", "name", "note", "quantity"])
def test_what_was_typed_never_becomes_markup(shop: Shop, field: str) -> None:
    hostile = "\"'><script>alert(1)</script>" + "x" * 1000

    answer = submit(shop, opened(shop, **{field: hostile}))

    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_a_total_that_cannot_be_paid_is_a_fault_of_the_quantity(shop: Shop) -> None:
    for product, quantity in (("tiny-thing", "1"), ("dear-thing", "20")):
        answer = submit(shop, opened(shop, product, quantity=quantity))
        assert answer.status_code == 422
        assert alarms(answer.text) == ["quantity"]
    assert shop.rows("SELECT * FROM orders") == []


def test_bytes_that_are_no_utf_8_do_no_harm(shop: Shop) -> None:
    form = opened(shop)
    sent = "&".join(f"{name}={form[name]}" for name in form if name != "name")

    answer = shop.post(
        CHECKOUT,
        data=sent.encode() + b"&name=%ff%fe",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code in (303, 400, 422)


def test_a_form_that_is_too_large_is_refused(shop: Shop) -> None:
    form = opened(shop, note="x" * 300_000)
    before = row_counts(shop)

    assert submit(shop, form).status_code in (413, 422)

    assert row_counts(shop) == before


@pytest.mark.parametrize(("product", "status"), [("nothing", 404), ("\x00", 404)])
def test_a_form_for_what_is_not_there_is_refused(
    shop: Shop, product: str, status: int
) -> None:
    form = {**opened(shop), "service_id": product}

    assert submit(shop, form).status_code == status


def test_a_product_taken_off_the_shelf_meanwhile_is_410(shop: Shop) -> None:
    form = opened(shop)
    shop.rows("UPDATE products SET is_active = false WHERE id = %s", READING)
    before = row_counts(shop)

    assert submit(shop, form).status_code == 410

    assert row_counts(shop) == before


# Other people's forms


@pytest.mark.parametrize("token", [None, "", "x", "IjAwIg.aaaa.bbbb"])
def test_a_form_without_our_token_is_a_400_page_and_makes_nothing(
    shop: Shop, token: str | None
) -> None:
    form = opened(shop)
    form.pop("csrf_token")
    if token is not None:
        form["csrf_token"] = token
    before = row_counts(shop)

    answer = submit(shop, form)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1" in answer.text
    assert row_counts(shop) == before


@pytest.mark.parametrize("change", ["is_active = false", "pause_note = 'In May.'"])
def test_what_cannot_be_bought_any_more_is_not_offered_once_more(
    shop: Shop, change: str
) -> None:
    form = opened(shop)
    shop.rows(f"UPDATE products SET {change}")  # noqa: S608

    answer = submit(shop, {**form, "csrf_token": ""})

    assert answer.status_code == 400
    assert 'name="checkout_token"' not in answer.text


def test_the_token_of_another_visitor_is_refused(shop: Shop) -> None:
    form = opened(shop)
    shop.http.cookies.clear()

    assert submit(shop, form).status_code == 400
    assert shop.rows("SELECT * FROM orders") == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_a_403(shop: Shop, site: str) -> None:
    form = opened(shop)
    before = row_counts(shop)

    answer = submit(shop, form, **{"Sec-Fetch-Site": site})

    assert answer.status_code == 403
    assert row_counts(shop) == before


def test_a_form_of_our_own_site_is_taken(shop: Shop) -> None:
    answer = submit(shop, opened(shop), **{"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_another_host_is_a_400_page(shop: Shop, host: str) -> None:
    for path in ("/", f"{CHECKOUT}?service_id={READING}", "/nothing"):
        answer = shop.get(path, headers={"Host": host})
        assert answer.status_code == 400
        assert "evil.example" not in answer.text


def test_a_form_sent_to_another_host_makes_nothing(shop: Shop) -> None:
    form = opened(shop)
    before = row_counts(shop)

    answer = submit(shop, form, Host="evil.example")

    assert answer.status_code == 400
    assert row_counts(shop) == before


def test_the_way_back_is_built_from_the_settings_and_not_the_request(
    shop: Shop,
) -> None:
    submit(shop, opened(shop), **{"X-Forwarded-Host": "evil.example"})

    (session,) = shop.emulator.ledger()["sessions"]
    base = shop.app.config["SETTINGS"].base_url
    assert session["success_url"].startswith(f"{base}/orders/")
    assert session["cancel_url"].startswith(f"{base}/orders/")


# Stripe in trouble, and too many


@pytest.mark.parametrize("status", [500, 429, 400])
def test_while_stripe_is_down_the_form_stays_with_another_way(
    shop: Shop, status: int
) -> None:
    form = opened(shop)
    shop.emulator.fail(status, **CREATE)
    began = time.monotonic()

    answer = submit(shop, form)

    assert time.monotonic() - began < 12
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "try again" in answer.text
    alarm = answer.text.split('role="alert"')[1].split("</div>")[0]
    assert "https://wa.me/" in alarm
    assert fields(answer.text)["email"] == CUSTOMER["email"]
    assert shop.row("SELECT * FROM orders")["status"] == "pending"


def test_the_form_sent_again_goes_on_with_the_order_that_waits(shop: Shop) -> None:
    shop.emulator.fail(429, **CREATE)
    answer = submit(shop, opened(shop))
    shop.emulator.set_faults()

    answer = submit(shop, fields(answer.text) | {"note": ""})

    assert answer.status_code == 303
    assert len(shop.rows("SELECT * FROM orders")) == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_too_many_checkouts_are_a_429_page_that_keeps_what_was_typed(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute")
    assert submit(shop, opened(shop)).status_code == 303
    form = opened(shop, quantity="2")

    answer = submit(shop, form, **{"X-Forwarded-For": "203.0.113.9"})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert fields(answer.text)["email"] == CUSTOMER["email"]
    assert len(shop.rows("SELECT * FROM orders")) == 1


def test_another_network_address_is_counted_by_itself(open_shop: OpenShop) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute", TRUSTED_PROXIES="1")

    def buys(address: str, quantity: str) -> int:
        form = opened(shop, quantity=quantity)
        return submit(shop, form, **{"X-Forwarded-For": address}).status_code

    assert buys("192.0.2.1", "1") == 303
    assert buys("192.0.2.1", "2") == 429
    assert buys("192.0.2.2", "3") == 303


def test_faults_and_second_clicks_do_not_count(open_shop: OpenShop) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute")
    form = opened(shop)
    for _ in range(3):
        assert submit(shop, {**form, "email": "ana"}).status_code == 422
    for _ in range(3):
        assert submit(shop, form).status_code == 303


def test_form_and_api_are_counted_together(open_shop: OpenShop) -> None:
    shop = open_shop(CHECKOUT_RATE="2 per minute")

    assert submit(shop, opened(shop)).status_code == 303
    assert shop.checkout().status_code == 201
    assert submit(shop, opened(shop, quantity="2")).status_code == 429
    assert shop.checkout().status_code == 429


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_405(shop: Shop, method: str) -> None:
    answer = shop.http.request(
        method, shop.url + CHECKOUT, headers={"X-Canary": "canary"}
    )

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert "canary" not in answer.text
