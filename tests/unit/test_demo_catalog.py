"""The demo's catalog is whole, and its almanac is right and reproducible."""

import tomllib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from storefront.catalog.loader import DEMO, CatalogFile
from storefront.demo.almanac.book import Almanac
from storefront.demo.almanac.moons import Quarter, julian_phase, phases
from storefront.demo.almanac.words import MONTHS, YEAR
from storefront.languages import LANGUAGES

FILE = Path(DEMO).parent / "demo" / f"almanac-{YEAR}.pdf"


def _products() -> dict[str, dict]:
    entries = tomllib.loads(DEMO.read_text("utf-8"))["products"]
    return {entry["id"]: entry for entry in entries}


def test_the_catalog_is_valid_and_shows_every_kind() -> None:
    catalog = CatalogFile.model_validate(tomllib.loads(DEMO.read_text("utf-8")))
    shown = [entry.kind.value for entry in catalog.products if entry.active]
    assert shown.count("session") >= 4
    assert shown.count("pack") == 3
    assert shown.count("almanac") == 2
    assert any(not entry.active for entry in catalog.products)


def test_every_product_is_told_in_every_language() -> None:
    catalog = CatalogFile.model_validate(tomllib.loads(DEMO.read_text("utf-8")))
    assert catalog.shop.languages == list(LANGUAGES)
    for entry in catalog.products:
        assert set(entry.texts) == set(LANGUAGES) - {"en"}


@pytest.mark.parametrize("language", ["es", "pt"])
def test_a_description_has_as_many_paragraphs_in_every_language(language: str) -> None:
    for product in _products().values():
        told = product[language]["description"]
        assert told.count("\n\n") == product["description"].count("\n\n")


def test_the_reading_that_everybody_relies_on_costs_80() -> None:
    assert _products()["birth-chart-reading"]["price"] == "80.00"


def test_packs_are_cheaper_than_their_sessions() -> None:
    products = _products()
    for pack in (one for one in products.values() if one["kind"] == "pack"):
        singles = float(products[pack["pack_of"]]["price"]) * pack["pack_size"]
        assert float(pack["price"]) < singles


@pytest.mark.parametrize(
    ("lunation", "julian"),
    [
        (-283, 2443192.65118),  # Meeus, example 49.a: the new moon of February 1977
        (544.75, 2467636.49186),  # example 49.b: the last quarter of January 2044
    ],
)
def test_the_moons_agree_with_the_books_examples(
    lunation: float, julian: float
) -> None:
    assert julian_phase(lunation) == pytest.approx(julian, abs=2 / 1440)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2027, 2, 6, 15, 56, tzinfo=UTC),  # annular eclipse of the Sun
        datetime(2027, 8, 2, 10, 5, tzinfo=UTC),  # total eclipse of the Sun
    ],
)
def test_eclipses_of_the_year_fall_on_new_moons(moment: datetime) -> None:
    news = [one.at for one in phases(2027) if one.quarter is Quarter.NEW]
    assert min(abs(at - moment) for at in news) < timedelta(minutes=3)


def test_there_are_words_for_each_month() -> None:
    assert len(MONTHS) == 12


def test_the_file_on_the_shelf_is_the_book_that_is_made_here() -> None:
    book = _pages(Almanac(YEAR).write_book())
    assert len(book) == 16
    assert book == _pages(FILE.read_bytes())
    assert FILE.stat().st_size < 300_000


def _pages(pdf: bytes) -> list[bytes]:
    """Unpack what the pages draw: machines pack it differently."""
    contents = [page.get_contents() for page in PdfReader(BytesIO(pdf)).pages]
    return [drawn.get_data() for drawn in contents if drawn is not None]
