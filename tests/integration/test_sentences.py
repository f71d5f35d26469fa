"""What the shop says on each page, in each state, in the language of the address."""

from functools import cache
from html import unescape

import pytest
import requests

from tests.factories.events import JsonObject
from tests.fixtures.shop import CUSTOMER, READING, OpenShop, Shop
from tests.integration.test_checkout_form import Form, fields
from tests.integration.test_order_page import STATES, Deed, region
from tests.tools.translations import gather, texts

CREATE: JsonObject = {"method": "POST", "path": "/v1/checkout/sessions"}


@cache
def sentences() -> list[str]:
    """Give all that the shop says in English, of three words or more."""
    said = [one for message in gather() if message.id for one in texts(message.id)]
    # Another language is offered in that language.
    return [one for one in said if one.count(" ") > 1 and "also in" not in one]


def left_in_english(html: str) -> list[str]:
    """Give our sentences that a page has in English."""
    said = " ".join(unescape(html).split())
    return [one for one in sentences() if one in said]


PAGES = (
    "/",
    f"/products/{READING}",
    "/products/three-readings",
    "/products/almanac-2027-printed",
    "/products/almanac-2026",
    f"/checkout?service_id={READING}",
    "/checkout?service_id=almanac-2027-digital",
    "/terms",
    "/faq",
    "/find-my-order",
    "/nothing",
)


@pytest.mark.parametrize("language", ["es", "pt"])
def test_no_page_mixes_languages(shop: Shop, language: str) -> None:
    for path in PAGES:
        page = shop.get(f"/{language}{path}").text

        assert f'<html lang="{language}">' in page
        assert left_in_english(page) == [], path
        assert left_in_english(shop.get(path).text)


@pytest.mark.parametrize(
    ("deed", "came_from", "_words", "_followed"), STATES.values(), ids=STATES.keys()
)
def test_an_orders_page_speaks_its_language_in_every_state(
    shop: Shop, deed: Deed, came_from: str, _words: str, _followed: bool
) -> None:
    placed = shop.place()
    deed(shop, placed)
    query = f"{placed.token}?from={came_from}"

    spanish = shop.get(f"/es/orders/{query}").text
    portuguese = shop.get(f"/pt/orders/{query}").text

    for page, total in (
        (spanish, "Total, impuestos incluidos"),
        (portuguese, "Total, com impostos"),
    ):
        assert left_in_english(page) == []
        assert total in region(page)
        assert "80,00\N{NO-BREAK SPACE}€" in region(page)


def opened(shop: Shop, language: str) -> Form:
    """Open the details form in a language."""
    page = shop.get(f"/{language}/checkout?service_id={READING}").text
    return {**fields(page), **CUSTOMER, "note": ""}


@pytest.mark.parametrize(
    ("language", "email", "quantity"),
    [
        (
            "es",
            "Escribe una dirección de correo como nombre@example.com.",
            "Elige una cantidad entre 1 y 20.",
        ),
        (
            "pt",
            "Indique um endereço de e-mail como nome@example.com.",
            "Indique uma quantidade entre 1 e 20.",
        ),
    ],
)
def test_a_wrong_form_is_answered_in_its_language(
    shop: Shop, language: str, email: str, quantity: str
) -> None:
    wrong = {**opened(shop, language), "email": "ana", "quantity": "99"}

    answer = shop.post(f"/{language}/checkout", data=wrong)
    fragment = shop.post(f"/{language}/checkout/check/email", data=wrong)

    assert answer.status_code == 422
    assert answer.text.count(email) == answer.text.count(quantity) == 2
    assert email in fragment.text
    assert left_in_english(answer.text + fragment.text) == []


def test_too_many_tries_are_told_in_the_language_of_the_form(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(CHECKOUT_RATE="1 per minute")
    shop.post("/es/checkout", data=opened(shop, "es"))

    answer = shop.post("/es/checkout", data=opened(shop, "es") | {"quantity": "2"})

    assert answer.status_code == 429
    assert "Demasiados intentos. Prueba otra vez dentro de" in answer.text
    assert left_in_english(answer.text) == []


def test_a_payment_page_that_does_not_open_is_told_in_the_language_of_the_form(
    shop: Shop,
) -> None:
    shop.emulator.fail(503, **CREATE)

    form = shop.post("/pt/checkout", data=opened(shop, "pt"))
    token = shop.row("SELECT * FROM orders")["page_token"]
    page = shop.post(
        f"/pt/orders/{token}/pay", data={"csrf_token": opened(shop, "pt")["csrf_token"]}
    )

    for answer in (form, page):
        assert answer.status_code == 503
        assert "A página de pagamento não abre neste momento." in answer.text
        assert left_in_english(answer.text) == []


def test_a_form_that_was_open_too_long_says_so_in_its_language(shop: Shop) -> None:
    answer = shop.post("/es/checkout", data={**opened(shop, "es"), "csrf_token": ""})

    assert answer.status_code == 400
    assert "Todo sigue aquí: envíalo otra vez." in answer.text
    assert left_in_english(answer.text) == []


def trouble(shop: Shop, status: int) -> requests.Response:
    """Bring a Portuguese page into trouble."""
    form = opened(shop, "pt")
    if status == 404:
        return shop.get("/pt/nothing")
    if status == 405:
        return shop.get("/pt/checkout/total")
    if status == 400:
        return shop.post(f"/pt/orders/{'x' * 43}/pay", data={"csrf_token": ""})
    return shop.post(
        "/pt/checkout", data=form, headers={"Sec-Fetch-Site": "cross-site"}
    )


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (404, "Aqui não há nada"),
        (405, "Isso aqui não funciona"),
        (400, "Esta página esteve aberta demasiado tempo"),
        (403, "Isto não é permitido"),
    ],
)
def test_an_error_page_speaks_the_language_of_its_address(
    shop: Shop, status: int, title: str
) -> None:
    answer = trouble(shop, status)

    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in answer.text
    assert left_in_english(answer.text) == []


def test_programs_are_told_in_the_shops_own_language(open_shop: OpenShop) -> None:
    shop = open_shop(SHOP_LOCALE="es")

    missing = shop.get("/api/nothing").json()
    wrong = shop.post("/api/checkout", json={"items": [], "customer": 1}).json()

    assert (
        missing["detail"]
        == "Puede que la dirección esté mal escrita o que ya no sea válida."
    )
    assert wrong["errors"] == [
        {"field": "items", "message": "Indica entre 1 y 100 productos."},
        {"field": "customer", "message": "Esto no tiene la forma que se pide."},
    ]
