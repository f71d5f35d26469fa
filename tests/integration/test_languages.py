"""Every page in the shop's languages, each under an address of its own."""

import re
from functools import cache
from html import unescape

import pytest
import requests

from storefront.languages import language_of, locale_in
from storefront.web.languages import split
from tests.factories.events import JsonObject
from tests.fixtures.shop import CUSTOMER, READING, OpenShop, Shop
from tests.integration.test_checkout_form import Form, fields
from tests.integration.test_order_page import STATES, Deed, region
from tests.tools.translations import gather, texts

CREATE: JsonObject = {"method": "POST", "path": "/v1/checkout/sessions"}


@pytest.mark.parametrize("locale", ["de", "xx", "en-GB", "EN"])
def test_a_language_without_sentences_of_ours_is_english(locale: str) -> None:
    assert language_of(locale) == "en"


def test_the_shops_own_locale_is_kept_for_its_own_language() -> None:
    assert locale_in("pt", "pt-BR") == "pt-BR"
    assert locale_in("pt", "en") == "pt-PT"


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/es/products/x", ("es", "/products/x")),
        ("/pt", ("pt", "/")),
        ("/pt/", ("pt", "/")),
        ("/estonia/", ("", "/estonia/")),
        ("/es/api/products", ("", "/es/api/products")),
        ("//es/", ("", "//es/")),
        ("/", ("", "/")),
    ],
)
def test_the_language_stands_in_front(path: str, parts: tuple[str, str]) -> None:
    assert split(path) == parts


def test_a_page_speaks_the_language_of_its_address(shop: Shop) -> None:
    page = shop.get(f"/es/products/{READING}").text

    assert '<html lang="es">' in page
    assert "Lectura de carta natal" in page
    assert "80,00\N{NO-BREAK SPACE}€" in page
    assert f'href="/es/checkout?service_id={READING}"' in page


def test_a_page_names_its_other_languages(shop: Shop) -> None:
    page = shop.get(f"/es/products/{READING}").text

    links = dict(re.findall(r'hreflang="([\w-]+)"\s+href="(http[^"]+)"', page))
    base = shop.app.config["SETTINGS"].base_url
    assert links == {
        "en": f"{base}/products/{READING}",
        "x-default": f"{base}/products/{READING}",
        "es": f"{base}/es/products/{READING}",
        "pt": f"{base}/pt/products/{READING}",
    }


def test_the_shops_own_language_has_one_address(shop: Shop) -> None:
    answer = shop.get(f"/en/products/{READING}?from=chat")

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/products/{READING}?from=chat"


@pytest.mark.parametrize("path", ["/en//evil.example", "/en/%5Cevil.example"])
def test_the_way_to_that_address_leads_to_nobody_else(shop: Shop, path: str) -> None:
    answer = shop.get(path)

    assert re.match(r"/[^/\\]", answer.headers["Location"])


def test_what_no_product_is_told_in_is_not_there(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.rows("UPDATE sellers SET languages = '{en,es}' RETURNING id")

    assert shop.get("/es/").status_code == 200
    assert shop.get("/pt/").status_code == 404


@pytest.mark.parametrize("path", ["/es/api/products", "/es/healthz"])
def test_what_programs_ask_for_has_one_address(shop: Shop, path: str) -> None:
    assert shop.get(path).status_code == 404


def test_an_order_stays_in_the_language_that_it_was_made_in(shop: Shop) -> None:
    form = fields(shop.get(f"/es/checkout?service_id={READING}").text)
    answer = shop.post("/es/checkout", data={**form, **CUSTOMER, "note": ""})
    assert answer.status_code == 303, answer.text
    order = shop.row("SELECT * FROM orders")
    session = shop.emulator.session(order["provider_session_id"])

    assert order["locale"] == "es"
    assert order["line_items"][0]["name"] == "Lectura de carta natal"
    assert session["locale"] == "es"
    assert f"/es/orders/{order['page_token']}" in session["success_url"]


# What the shop says


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

    answer = shop.post("/es/checkout", data=opened(shop, "es"))

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


def test_another_language_is_offered_in_that_language(shop: Shop) -> None:
    page = shop.get("/es/").text

    offer = page.split('id="offer"')[1].split("</p>")[0]
    assert re.findall(r'lang="(\w+)" hreflang="\w+" hidden>([^<]+)<', offer) == [
        ("en", "This page is also in English."),
        ("es", "Esta página también está en español."),
        ("pt", "Esta página também está em português."),
    ]
