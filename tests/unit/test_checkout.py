"""Decisions of checkout: what can be priced, and where nobody is sent to."""

import secrets
from html import unescape

import pytest

from tests.fixtures.shop import CUSTOMER, READING, Shop


def put_on_the_shelf(shop: Shop, name: str, amount: int, currency: str) -> None:
    """Add a product past the catalog file."""
    shop.rows(
        "INSERT INTO products (id, kind, name, summary, description, next_steps,"
        " unit_amount, currency, duration_minutes, is_active, position)"
        " VALUES (%s, 'session', 'a', 'a', 'a', 'a', %s, %s, 60, true, 99)",
        name,
        amount,
        currency,
    )


# Prices


@pytest.mark.parametrize(
    ("amount", "currency", "quantity"),
    [
        (49, "EUR", 1),
        (100_000_000, "EUR", 1),
        (50_000_000, "EUR", 2),
        (1235, "KWD", 1),
        # Twice 1.235 is 2.470: payable as a sum, not as two of one price.
        (1235, "KWD", 2),
        (150, "MGA", 2),
        # Payable, but more than an order's column holds.
        (2_000_000_000, "MGA", 4),
    ],
)
def test_what_cannot_be_paid_is_refused_before_stripe_is_asked(
    shop: Shop, amount: int, currency: str, quantity: int
) -> None:
    put_on_the_shelf(shop, "odd", amount, currency)
    answer = shop.checkout("odd", quantity)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert shop.rows("SELECT 1 FROM orders") == []
    assert shop.emulator.ledger()["sessions"] == []


def test_two_currencies_make_no_order(shop: Shop) -> None:
    items = [{"service_id": one, "quantity": 1} for one in (READING, "reading-in-yen")]
    answer = shop.post("/api/checkout", json={"items": items, "customer": CUSTOMER})
    assert answer.status_code == 422


def test_many_lines_of_one_product_are_one_line_within_its_limit(shop: Shop) -> None:
    line = {"service_id": READING, "quantity": 5}
    for count, status in ((4, 201), (5, 422)):
        answer = shop.post(
            "/api/checkout", json={"items": [line] * count, "customer": CUSTOMER}
        )
        assert answer.status_code == status
    (order,) = shop.rows("SELECT line_items, total_amount FROM orders")
    assert [one["quantity"] for one in order["line_items"]] == [20]
    assert order["total_amount"] == 20 * 8000


# Payment pages

FOREIGN: list[object] = [
    None,
    "",
    "/pay",
    "checkout.stripe.com/pay",
    "http://checkout.stripe.com/pay",
    "https://checkout.stripe.com.evil.example/pay",
    "https://evil.example/https://checkout.stripe.com/",
    "https://checkout.stripe.com@evil.example/",
    "https://user@checkout.stripe.com/",
    "https://checkout.stripe.com:8443/",
    "https://checkout.stripe.com:port/",
    "//checkout.stripe.com/pay",
    "javascript:alert(1)",
    "https://[checkout.stripe.com/pay",
    "https://checkout.stripe.com]/pay",
    "https://checkout.stripe.com\u2100/",
    17,
    [],
]


def test_nobody_is_sent_to_a_page_that_is_not_stripes(shop: Shop) -> None:
    answers = {}
    for url in FOREIGN:
        shop.emulator.talk_nonsense({"url": url}, path="/v1/checkout/sessions*")
        answer = shop.checkout()
        answers[str(url)] = (answer.status_code, "Retry-After" in answer.headers)
    assert {url: told for url, told in answers.items() if told != (503, True)} == {}
    statuses = shop.rows("SELECT DISTINCT status FROM orders")
    assert [one["status"] for one in statuses] == ["pending"]


@pytest.mark.parametrize(
    "told",
    [
        {"amount_total": 7999},
        {"amount_total": 0},
        {"amount_total": None},
        {"currency": "usd"},
        {"currency": None},
        {"id": None},
        {"status": "moon"},
    ],
    ids=str,
)
def test_nobody_is_sent_to_a_page_that_asks_for_something_else(
    shop: Shop, told: dict[str, object]
) -> None:
    shop.emulator.talk_nonsense(told, path="/v1/checkout/sessions*")
    answer = shop.checkout()
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_a_page_of_stripes_own_host_is_given_unchanged(shop: Shop) -> None:
    url = "https://checkout.stripe.com/c/pay/cs_test_1?x=%20#fid=abc%2F"
    shop.emulator.talk_nonsense({"url": url}, path="/v1/checkout/sessions")
    assert shop.checkout().json()["checkout_url"] == url


# The form


@pytest.mark.parametrize(
    "text",
    ['"><script>alert(1)</script>', '" onfocus="alert(1)', "{{ 7*7 }}", "' a='b&lt;"],
)
def test_whatever_was_typed_comes_back_as_text(shop: Shop, text: str) -> None:
    page = shop.get(f"/checkout?service_id={READING}").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {
        "csrf_token": token,
        "checkout_token": secrets.token_urlsafe(),
        "service_id": READING,
        "quantity": "0",
        "email": text,
        "name": text,
        "note": text,
    }
    answer = shop.post("/checkout", data=form)
    assert answer.status_code == 422
    # Three fields, each as text: nothing of it is read as a mark.
    assert unescape(answer.text).count(text) == 3
    assert "{" in text or text not in answer.text
