"""Pictures: on the pages, beside a link in a messenger, on a home screen."""

import re
from struct import unpack
from urllib.parse import urlsplit

import pytest

from tests.fixtures.shop import READING, Shop
from tests.integration.test_found import metas, structured

PNG = b"\x89PNG\r\n\x1a\n"
# Messengers leave larger ones away.
LARGEST_CARD = 150_000


def path_of(address: str) -> str:
    """Give the path of an absolute address."""
    return urlsplit(address).path


def size_of(image: bytes) -> tuple[int, int]:
    """Give width and height of a PNG."""
    assert image.startswith(PNG)
    width, height = unpack(">II", image[16:24])
    return width, height


# Beside a link


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("path", ["/", f"/products/{READING}", "/faq"])
def test_a_page_names_the_picture_that_messengers_show(
    shop: Shop, prefix: str, path: str
) -> None:
    told = metas(shop.get(prefix + path).text)

    assert told["og:image"].startswith(shop.app.config["SETTINGS"].base_url)
    answer = shop.get(path_of(told["og:image"]))
    assert answer.headers["Content-Type"] == "image/png"
    assert size_of(answer.content) == (1200, 630)
    assert (told["og:image:width"], told["og:image:height"]) == ("1200", "630")
    assert len(answer.content) <= LARGEST_CARD
    assert told["og:image:alt"].endswith(shop.app.config["SETTINGS"].shop_name)


def test_each_product_has_a_card_of_its_own_in_each_language(shop: Shop) -> None:
    paths = [
        f"{prefix}/products/{product}/card.png"
        for prefix in ("", "/es")
        for product in (READING, "almanac-2027-digital")
    ]
    assert len({shop.get(path).content for path in paths}) == len(paths)


def test_machines_read_of_the_same_picture(shop: Shop) -> None:
    page = shop.get(f"/products/{READING}").text
    assert structured(page)["image"] == metas(page)["og:image"]


def test_a_card_is_kept_for_a_week_and_then_asked_for_again(shop: Shop) -> None:
    path = f"/products/{READING}/card.png"
    first = shop.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=604800"
    again = shop.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_what_is_not_there_has_no_card(shop: Shop) -> None:
    assert shop.get("/products/nothing/card.png").status_code == 404


def cards(shop: Shop) -> list[dict[str, object]]:
    """Give the cards that are kept."""
    return shop.rows("SELECT name, drawn_at FROM cards ORDER BY drawn_at, name")


def test_cards_are_drawn_before_anybody_asks_and_once_for_all(shop: Shop) -> None:
    assert shop.run_job("draw-cards") == len(cards(shop)) > 10
    assert shop.run_job("draw-cards") == 0

    before = cards(shop)
    for prefix in ("", "/es", "/pt"):
        for path in ("/card.png", f"/products/{READING}/card.png"):
            assert shop.get(prefix + path).content.startswith(PNG)
    assert cards(shop) == before


def test_a_card_that_nobody_drew_ahead_is_drawn_when_asked_for(shop: Shop) -> None:
    path = f"/products/{READING}/card.png"
    first = shop.get(path)
    assert len(cards(shop)) == 1
    assert shop.get(path).content == first.content
    assert len(cards(shop)) == 1


def test_a_card_shows_the_name_that_the_product_has_now(shop: Shop) -> None:
    path = f"/products/{READING}/card.png"
    first = shop.get(path)
    shop.rows("UPDATE products SET name = 'Another name' WHERE id = %s", READING)

    again = shop.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.content != first.content


def test_old_cards_are_thrown_away_and_drawn_anew(shop: Shop) -> None:
    shop.run_job("draw-cards")
    shop.rows("UPDATE cards SET drawn_at = now() - interval '91 days'")
    shop.run_job("prune")

    assert cards(shop) == []
    assert shop.get(f"/products/{READING}/card.png").status_code == 200


# On the page


def test_every_picture_of_a_page_is_in_the_file_of_pictures(shop: Shop) -> None:
    page = shop.get("/").text
    (address,) = set(re.findall(r'<use href="([^"#]+)#', page))
    pictures = shop.get(address).text
    names = re.findall(r'<use href="[^"#]+#([\w-]+)"', page)
    assert len(names) > 3
    for name in names:
        assert f'<symbol id="{name}"' in pictures


def test_a_cover_shows_its_year(shop: Shop) -> None:
    page = shop.get("/products/almanac-2027-digital").text
    assert re.search(r"<text[^>]*>2027</text>", page)


def test_the_moon_of_the_header_has_words(shop: Shop) -> None:
    words = re.findall(r"<title>([^<]+)</title>", shop.get("/pt/").text)
    assert re.fullmatch(r"Esta noite: .+, \d+ % do disco iluminado", words[1])


# What browsers ask for by themselves


def test_the_mark_is_where_it_has_always_been(shop: Shop) -> None:
    answer = shop.get("/favicon.ico")
    assert answer.content.startswith(b"\0\0\1\0\1\0\x20\x20")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"


def test_the_manifest_names_icons_that_are_there(shop: Shop) -> None:
    answer = shop.get("/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert told["name"] == shop.app.config["SETTINGS"].shop_name
    for icon in told["icons"]:
        width, height = size_of(shop.get(icon["src"]).content)
        assert icon["sizes"] == f"{width}x{height}"
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}


def test_every_file_that_a_page_names_is_there(shop: Shop) -> None:
    page = shop.get(f"/es/products/{READING}").text
    for address in re.findall(r'<(?:link|script)[^>]+(?:href|src)="(/[^"]+)"', page):
        assert shop.get(address).status_code == 200, address
