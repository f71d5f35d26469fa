"""What search engines and messengers read: the same facts as people."""

import json
import re
from html import unescape
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from storefront.money import format_money
from tests.fixtures.shop import READING, OpenShop, Shop

NAMES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "x": "http://www.w3.org/1999/xhtml",
}
FILE = "almanac-2027-digital"


def structured(page: str) -> dict[str, Any]:
    """Give the structured data of a page."""
    (block,) = re.findall(
        r'<script type="application/ld\+json">(.*?)</script>', page, re.S
    )
    told: dict[str, Any] = json.loads(block)
    return told


def metas(page: str) -> dict[str, str]:
    """Give the metas of a page by their name or property."""
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', page)
    return {name: unescape(content) for name, content in found}


@pytest.mark.parametrize("product", [READING, "three-readings", FILE, "reading-in-yen"])
@pytest.mark.parametrize("prefix", ["", "/pt"])
def test_the_price_for_machines_is_the_one_that_people_see(
    shop: Shop, product: str, prefix: str
) -> None:
    page = shop.get(f"{prefix}/products/{product}").text
    told = structured(page)
    offer = told["offers"]
    row = shop.row("SELECT * FROM products WHERE id = %s", product)

    shown = re.findall(r'<strong class="price">([^<]+)</strong>', page)[0]
    digits = 0 if offer["priceCurrency"] == "JPY" else 2
    amount = int(offer["price"].replace(".", ""))
    locale = "pt-PT" if prefix else "en"
    assert format_money(amount, offer["priceCurrency"], locale) == unescape(shown)
    assert len(offer["price"].partition(".")[2]) == digits
    assert amount == row["unit_amount"]


def test_a_product_tells_machines_its_name_place_and_that_it_can_be_had(
    shop: Shop,
) -> None:
    base = shop.app.config["SETTINGS"].base_url
    told = structured(shop.get(f"/es/products/{READING}").text)

    assert told["@type"] == "Product"
    assert told["name"] == "Lectura de carta natal"
    assert told["url"] == told["offers"]["url"] == f"{base}/es/products/{READING}"
    assert told["offers"]["availability"] == "https://schema.org/InStock"


def test_what_pauses_is_out_of_stock_for_machines(shop: Shop) -> None:
    shop.rows("UPDATE products SET pause_note = 'Away' WHERE id = %s", READING)

    offer = structured(shop.get(f"/products/{READING}").text)["offers"]

    assert offer["availability"] == "https://schema.org/OutOfStock"


def test_words_cannot_leave_the_data_for_machines(shop: Shop) -> None:
    hostile = "</script><script>alert(1)</script>\"'&<!--"
    shop.rows("UPDATE products SET name = %s WHERE id = %s", hostile, READING)

    page = shop.get(f"/products/{READING}").text

    assert structured(page)["name"] == hostile
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("path", "locale"),
    [
        ("/", "en_US"),
        (f"/products/{READING}", "en_US"),
        (f"/es/products/{READING}", "es_ES"),
        ("/pt/terms", "pt_PT"),
    ],
)
def test_a_page_that_is_passed_on_says_what_it_is(
    shop: Shop, path: str, locale: str
) -> None:
    page = shop.get(path).text
    told = metas(page)
    base = shop.app.config["SETTINGS"].base_url

    assert told["og:title"]
    assert told["og:description"] == told["description"]
    assert told["og:type"] == "website"
    assert told["og:url"] == base + path
    assert told["og:locale"] == locale
    assert f'rel="canonical" href="{base}{path}"' in page


def test_a_page_has_one_address_whatever_came_with_it(shop: Shop) -> None:
    base = shop.app.config["SETTINGS"].base_url
    page = shop.get(f"/products/{READING}?from=chat&utm_source=x").text

    assert f'rel="canonical" href="{base}/products/{READING}"' in page


# Maps


def site_map(shop: Shop) -> dict[str, dict[str, str]]:
    """Give the addresses of the sitemap, each with its other languages."""
    answer = shop.get("/sitemap.xml")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/xml")
    return {
        entry.findtext("s:loc", "", NAMES): {
            link.attrib["hreflang"]: link.attrib["href"]
            for link in entry.findall("x:link", NAMES)
        }
        for entry in Xml.fromstring(answer.text)  # noqa: S314 - our own
    }


def test_the_map_names_every_page_in_every_language(shop: Shop) -> None:
    told = site_map(shop)
    base = shop.app.config["SETTINGS"].base_url
    products = shop.rows("SELECT id FROM products WHERE is_active")
    paths = [f"/products/{product['id']}" for product in products]
    paths += ["/", "/terms", "/cancellation", "/privacy", "/imprint", "/faq"]

    assert set(told) == {
        f"{base}{prefix}{path}" for prefix in ("", "/es", "/pt") for path in paths
    }
    assert told[f"{base}/es/terms"] == {
        "en": f"{base}/terms",
        "es": f"{base}/es/terms",
        "pt": f"{base}/pt/terms",
        "x-default": f"{base}/terms",
    }


def test_every_page_of_the_map_is_there(shop: Shop) -> None:
    base = shop.app.config["SETTINGS"].base_url
    for address, others in site_map(shop).items():
        answer = shop.get(address.removeprefix(base))
        assert answer.status_code == 200
        links = re.findall(r'hreflang="([\w-]+)"\s+href="(http[^"]+)"', answer.text)
        assert dict(links) == others


def test_a_shop_in_one_language_has_one_address_for_each_page(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(SHOP_LOCALE="es")
    shop.rows("UPDATE sellers SET languages = '{es}'")
    base = shop.app.config["SETTINGS"].base_url

    told = site_map(shop)

    assert told[f"{base}/terms"] == {
        "es": f"{base}/terms",
        "x-default": f"{base}/terms",
    }
    assert not any(f"{base}/es" in address for address in told)


def test_crawlers_are_told_where_the_map_is_and_what_is_not_for_them(
    shop: Shop,
) -> None:
    answer = shop.get("/robots.txt")
    base = shop.app.config["SETTINGS"].base_url

    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert lines[0] == "User-agent: *"
    assert f"Sitemap: {base}/sitemap.xml" in lines
    assert {"Disallow: /checkout", "Disallow: /*/checkout"} <= set(lines)


@pytest.mark.parametrize("path", ["/es/robots.txt", "/es/sitemap.xml"])
def test_maps_have_one_address(shop: Shop, path: str) -> None:
    assert shop.get(path).status_code == 404


def test_orders_and_forms_are_not_to_be_found(shop: Shop) -> None:
    placed = shop.place()
    for path in (f"/orders/{placed.token}", f"/checkout?service_id={READING}"):
        assert metas(shop.get(path).text)["robots"] == "noindex"
