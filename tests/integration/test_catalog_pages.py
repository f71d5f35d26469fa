"""The shelf: every product with its two ways to buy, and nothing personal."""

import re
from html import escape, unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from storefront.money import format_money
from tests.fixtures.shop import READING, OpenShop, Shop

GONE = "almanac-2026"
HOSTILE = """</title><script>alert(1)</script>"'><img src=x onerror=alert(1)>{{7*7}}"""


def links(html: str) -> list[str]:
    """Give where the links of a page lead."""
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', html)]


def chats(html: str) -> list[str]:
    """Give the drafts of a page's WhatsApp links."""
    return [
        parse_qs(urlsplit(link).query)["text"][0]
        for link in links(html)
        if link.startswith("https://wa.me/351900111222?")
    ]


def active(shop: Shop) -> list[dict[str, object]]:
    return shop.rows("SELECT * FROM products WHERE is_active ORDER BY position")


def test_products_stand_in_their_sections_in_the_owners_order(shop: Shop) -> None:
    html = shop.get("/").text
    sections = re.findall(r'<section class="shelf" id="(.*?)".*?</section>', html, re.S)
    assert sections == ["sessions", "packs", "almanac"]

    for kind, anchor in (("session", "sessions"), ("pack", "packs")):
        section = html.split(f'id="{anchor}"')[1].split("</section>")[0]
        shown = re.findall(r'href="/products/([^"]*)"', section)
        wanted = [one["id"] for one in active(shop) if one["kind"] == kind]
        assert list(dict.fromkeys(shown)) == wanted


def test_every_product_on_the_shelf_has_a_price_a_checkout_and_a_chat(
    shop: Shop,
) -> None:
    html = shop.get("/").text
    drafts = chats(html)
    for product in active(shop):
        assert f"/checkout?service_id={product['id']}" in links(html)
        assert any(str(product["name"]) in draft for draft in drafts)
        price = format_money(int(str(product["unit_amount"])), str(product["currency"]))
        assert price in html


def test_every_product_has_a_page_with_checkout_and_chat(shop: Shop) -> None:
    for product in active(shop):
        answer = shop.get(f"/products/{product['id']}")
        assert answer.status_code == 200
        assert escape(str(product["name"])) in answer.text
        assert f"/checkout?service_id={product['id']}" in links(answer.text)
        assert any(str(product["name"]) in draft for draft in chats(answer.text))


def test_yen_are_written_without_decimals(shop: Shop) -> None:
    assert "¥9,000" in shop.get("/products/reading-in-yen").text


def test_without_a_number_there_are_no_chats(open_shop: OpenShop) -> None:
    shop = open_shop(WHATSAPP_NUMBER="")

    for path in ("/", f"/products/{READING}", f"/checkout?service_id={READING}"):
        answer = shop.get(path)
        assert answer.status_code == 200
        assert "wa.me" not in answer.text


def test_what_is_no_longer_sold_says_so_and_offers_others(shop: Shop) -> None:
    assert GONE not in shop.get("/").text

    answer = shop.get(f"/products/{GONE}")

    assert answer.status_code == 410
    assert "Almanac 2026" in answer.text
    assert "/products/almanac-2027-digital" in links(answer.text)
    assert f"/checkout?service_id={GONE}" not in links(answer.text)


@pytest.mark.parametrize(
    "product", ["nothing", "Birth-Chart-Reading", "%00", "a%00b", "..%2f", "x" * 3000]
)
def test_an_unknown_product_is_a_404_page(shop: Shop, product: str) -> None:
    answer = shop.get(f"/products/{product}")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "/" in links(answer.text)


@pytest.mark.parametrize(
    "column", ["name", "summary", "description", "next_steps", "edition"]
)
def test_words_of_a_product_are_never_markup(shop: Shop, column: str) -> None:
    shop.rows(f"UPDATE products SET {column} = %s", HOSTILE)  # noqa: S608

    for path in (
        "/",
        f"/products/{READING}",
        "/products/three-readings",
        "/products/almanac-2027-digital",
        f"/products/{GONE}",
        f"/checkout?service_id={READING}",
    ):
        html = shop.get(path).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "\"'>" not in html
    assert "{{7*7}}" in html or column not in ("name",)


def test_what_a_product_is_called_reaches_the_chat_as_text(shop: Shop) -> None:
    shop.rows("UPDATE products SET name = %s WHERE id = %s", HOSTILE, READING)

    assert any(HOSTILE in draft for draft in chats(shop.get("/").text))


@pytest.mark.parametrize("path", ["/", f"/products/{READING}"])
def test_pages_of_the_shelf_are_the_same_for_everybody(shop: Shop, path: str) -> None:
    first, second = shop.get(path), shop.get(path)

    assert first.text == second.text
    assert "Set-Cookie" not in first.headers
    assert "csrf_token" not in first.text


def test_an_empty_shelf_is_a_page_too(shop: Shop) -> None:
    shop.rows("UPDATE products SET is_active = false")

    answer = shop.get("/")

    assert answer.status_code == 200
    assert chats(answer.text)


def test_a_product_taken_off_the_shelf_leaves_the_pack_that_holds_it(
    shop: Shop,
) -> None:
    shop.rows("UPDATE products SET is_active = false WHERE id = %s", READING)

    assert shop.get("/").status_code == 200
    assert shop.get("/products/three-readings").status_code == 200


def test_every_page_names_its_language_title_and_heading(shop: Shop) -> None:
    for path in ("/", f"/products/{READING}", f"/products/{GONE}", "/nothing"):
        html = shop.get(path).text
        assert re.search(r"<html[^>]* lang=\"en\"", html)
        assert re.search(r"<title>[^<]+</title>", html)
        assert len(re.findall(r"<h1[ >]", html)) == 1


def test_pages_load_nothing_from_elsewhere(shop: Shop) -> None:
    for path in ("/", f"/products/{READING}", f"/checkout?service_id={READING}"):
        html = shop.get(path).text
        sources = re.findall(r'(?:src|srcset|poster)="([^"]*)"', html)
        sheets = re.findall(r'<link [^>]*rel="stylesheet"[^>]*href="([^"]*)"', html)
        assert all(url.startswith(("/", "data:image/")) for url in sources + sheets)
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style", html)


def test_the_first_page_begins_with_the_shops_own_words(shop: Shop) -> None:
    assert "<h1>Charts, read together</h1>" in shop.get("/").text
    assert "<h1>Cartas, leídas juntos</h1>" in shop.get("/es/").text


def test_without_words_of_its_own_it_begins_with_the_shops_name(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(SHOP_NAME="Marea")
    shop.rows("UPDATE sellers SET welcome = '{}' RETURNING id")

    assert "<h1>Marea</h1>" in shop.get("/").text
