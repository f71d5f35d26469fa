"""Pages that are made once, and anew when the catalog has changed."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import template_rendered

from storefront.web import kept_pages
from tests.fixtures.shop import READING, OpenShop, Shop

PAGE = f"/products/{READING}"
RENAME = "UPDATE products SET name = %s WHERE id = %s"


@pytest.fixture
def made(shop: Shop) -> Iterator[list[str]]:
    """Give the names of the pages that are made anew."""
    names: list[str] = []

    def note(_: Any, template: Any, **__: Any) -> None:
        names.append(template.name)

    with template_rendered.connected_to(note, shop.app):
        yield names


@pytest.mark.parametrize("path", ["/", PAGE, "/es/", f"/pt{PAGE}"])
def test_a_page_is_made_once_while_the_catalog_is_the_same(
    shop: Shop, made: list[str], path: str
) -> None:
    first, second = shop.get(path), shop.get(path)

    assert len(made) == 1
    assert second.text == first.text
    changing = {"Date", "X-Request-Id"}
    assert {
        name: first.headers[name] for name in first.headers if name not in changing
    } == {name: second.headers[name] for name in second.headers if name not in changing}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE products SET name = 'Changed' WHERE id = 'birth-chart-reading'",
        "UPDATE products SET translations = '{}'",
        "DELETE FROM product_files",
        "UPDATE sellers SET languages = '{es}'",
        "INSERT INTO texts VALUES ('faq', 'en', 'a', 'b', 'c', '2026-01-01', 'd')",
    ],
)
def test_after_any_change_of_the_catalog_pages_are_made_anew(
    shop: Shop, made: list[str], change: str
) -> None:
    shop.get(PAGE)
    shop.rows(change)
    shop.get(PAGE)

    assert len(made) == 2


def test_a_change_is_seen_at_the_next_look(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop()
    monkeypatch.setattr(kept_pages, "LOOK_AGAIN_SECONDS", 1.0)
    shop.get(PAGE)
    shop.rows(RENAME, "Another name", READING)
    changed_at = time.monotonic()

    while "Another name" not in shop.get(PAGE).text:
        # A second, and what a busy machine adds.
        assert time.monotonic() - changed_at < 5
        time.sleep(0.05)


def test_a_change_that_is_taken_back_changes_nothing(
    shop: Shop, made: list[str]
) -> None:
    shop.get(PAGE)
    with pytest.raises(Exception, match="division by zero"):
        shop.rows("UPDATE products SET is_active = false; SELECT 1/0")
    shop.get(PAGE)

    assert len(made) == 1


def test_each_language_and_each_way_of_packing_has_its_own(shop: Shop) -> None:
    plain = {"Accept-Encoding": "identity"}
    for _ in range(2):
        assert "Lectura" in shop.get(f"/es{PAGE}").text
        assert "Birth chart" in shop.get(PAGE).text
        assert "Content-Encoding" not in shop.get(PAGE, headers=plain).headers
        assert shop.get(PAGE).headers["Content-Encoding"] == "gzip"


def test_whoever_has_the_page_is_told_that_it_is_the_same(shop: Shop) -> None:
    seen = {"If-None-Match": shop.get(PAGE).headers["ETag"]}
    answer = shop.get(PAGE, headers=seen)
    assert (answer.status_code, answer.content) == (304, b"")

    shop.rows(RENAME, "Another name", READING)
    assert shop.get(PAGE, headers=seen).status_code == 200


def test_questions_and_missing_pages_are_not_kept(shop: Shop) -> None:
    kept = shop.app.extensions[kept_pages.NAME].pages
    before = len(kept)

    shop.get(f"{PAGE}?utm_source=letter")
    shop.get("/products/never-sold")
    shop.rows("UPDATE products SET is_active = false WHERE id = %s", READING)
    assert shop.get(PAGE).status_code == 410

    assert len(kept) == before


def test_at_the_full_hour_the_moon_is_looked_at_again(
    shop: Shop, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.get(PAGE)
    monkeypatch.setattr(kept_pages, "now", lambda: datetime(2031, 5, 5, 13, tzinfo=UTC))
    shop.get(PAGE)

    assert len(made) == 2


def test_no_more_is_kept_than_has_room(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_pages, "MOST", 3)
    for path in ("/", PAGE, "/es/", f"/es{PAGE}", "/pt/"):
        assert shop.get(path).status_code == 200

    assert len(shop.app.extensions[kept_pages.NAME].pages) <= 3
