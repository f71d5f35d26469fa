"""Every page in the shop's languages, each under an address of its own."""

import re

import pytest

from storefront.languages import language_of, locale_in
from storefront.web.languages import split
from tests.fixtures.shop import CUSTOMER, READING, OpenShop, Shop
from tests.integration.test_checkout_form import fields


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


def test_another_language_is_offered_in_that_language(shop: Shop) -> None:
    page = shop.get("/es/").text

    offer = page.split('id="offer"')[1].split("</p>")[0]
    assert re.findall(r'lang="(\w+)" hreflang="\w+" hidden>([^<]+)<', offer) == [
        ("en", "This page is also in English."),
        ("es", "Esta página también está en español."),
        ("pt", "Esta página também está em português."),
    ]
