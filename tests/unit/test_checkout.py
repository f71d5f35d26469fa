"""Decisions of checkout that need no database: prices, payment pages, the form."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask

from storefront import create_app
from storefront.catalog.models import Product, ProductKind
from storefront.checkout.open_payment import _usable_url
from storefront.checkout.place_order import Purchase, _price
from storefront.checkout.routes import _form
from storefront.errors import FieldError, PaymentUnavailable
from storefront.gateway.port import SessionOutcome, SessionSeen
from storefront.orders.models import Order
from storefront.settings import read_settings

EMULATOR = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """Give the app without a database."""
    app = create_app(
        read_settings({"STOREFRONT_ENV": "development", "STRIPE_API_BASE": EMULATOR})
    )
    with app.app_context():
        yield app


def product(
    name: str = "reading", amount: int = 8000, currency: str = "EUR"
) -> Product:
    """Give a product that is on no shelf."""
    return Product(
        id=name,
        kind=ProductKind.SESSION,
        name=name,
        summary="A reading.",
        unit_amount=amount,
        currency=currency,
        duration_minutes=60,
        shipping_countries=None,
        edition=None,
    )


def price(*products: Product, quantity: int = 1) -> int:
    """Add up so many of each product."""
    items = tuple((one.id, quantity) for one in products)
    purchase = Purchase(items, "ana@example.com", "Ana", None, "en")
    return _price(purchase, {one.id: one for one in products})


# Prices


@pytest.mark.parametrize(
    "products",
    [
        [product(amount=49)],
        [product(amount=100_000_000)],
        [product(), product("other", 9000, "JPY")],
        [product(amount=1235, currency="KWD")],
    ],
)
def test_what_cannot_be_paid_at_once_is_a_fault_of_the_items(
    products: list[Product],
) -> None:
    with pytest.raises(FieldError) as caught:
        price(*products)
    assert list(caught.value.errors) == ["items"]


@pytest.mark.parametrize(
    ("amount", "currency"), [(1235, "KWD"), (150, "MGA"), (50_000_050, "MGA")]
)
def test_a_line_too_fine_for_stripe_is_a_fault_also_where_the_total_is_not(
    amount: int, currency: str
) -> None:
    # Twice 1.235 is 2.470: payable as a sum, not as two of one price.
    with pytest.raises(FieldError):
        price(product(amount=amount, currency=currency), quantity=2)


def test_a_total_that_no_order_can_hold_is_a_fault_of_the_items() -> None:
    with pytest.raises(FieldError):
        price(product(amount=2_000_000_000, currency="MGA"), quantity=4)


def test_more_than_one_of_a_kind_adds_up() -> None:
    assert price(product(), product("almanac", 1200), quantity=3) == 27_600


# Payment pages


def seen(url: str | None, amount: int = 8000, currency: str = "EUR") -> SessionSeen:
    """Give a session as Stripe might tell of it."""
    return SessionSeen(
        id="cs_1",
        outcome=SessionOutcome.OPEN,
        url=url,
        amount=amount,
        amount_discounted=0,
        currency=currency,
        payment_intent_id=None,
        client_reference_id=None,
        mark=None,
        livemode=False,
        shipping=None,
        created=0,
        email=None,
        customer_name=None,
        success_url=None,
    )


def page_of(session: SessionSeen) -> str:
    """Give the address where the order of 80 euros is paid."""
    order = Order(
        id=uuid4(), number="A", page_token="t", total_amount=8000, currency="EUR"
    )
    return _usable_url(order, session)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "url",
    [
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
        "//checkout.stripe.com/pay",
        "javascript:alert(1)",
        "https://[checkout.stripe.com/pay",
        "https://checkout.stripe.com]/pay",
        "https://\u212b.example/\x00",
        "https://checkout.stripe.com\u2100/",
    ],
)
def test_nobody_is_sent_to_a_page_that_is_not_stripes(url: str | None) -> None:
    with pytest.raises(PaymentUnavailable):
        page_of(seen(url))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("amount", "currency"), [(8001, "EUR"), (7999, "EUR"), (0, "EUR"), (8000, "USD")]
)
def test_nobody_is_sent_to_a_page_that_asks_for_something_else(
    amount: int, currency: str
) -> None:
    with pytest.raises(PaymentUnavailable):
        page_of(seen("https://checkout.stripe.com/pay", amount, currency))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("origin", ["https://checkout.stripe.com", EMULATOR])
def test_a_page_of_stripes_or_its_stand_in_is_given_unchanged(origin: str) -> None:
    url = f"{origin}/c/pay/cs_test_1?x=%20#fid=abc%2F"
    assert page_of(seen(url)) == url


# The form


@pytest.mark.parametrize(
    "quantity", ["", "x", "-1", "0", "21", "²", "٣", "9" * 5000, "1\n", "1e1"]
)
def test_whatever_was_typed_as_quantity_the_form_comes_back(
    app: Flask, quantity: str
) -> None:
    with app.test_request_context("/checkout"):
        page = _form(product(), {"quantity": quantity})
    assert "€80.00" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '"><script>alert(1)</script>',
            "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
        ('" onfocus="alert(1)', "&#34; onfocus=&#34;alert(1)"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
    ],
)
def test_whatever_was_typed_comes_back_as_text(
    app: Flask, text: str, shown: str
) -> None:
    names = ["email", "name", "note"]
    with app.test_request_context("/checkout"):
        page = _form(product(), dict.fromkeys(names, text))
    assert page.count(shown) == len(names)
    assert text == shown or text not in page
