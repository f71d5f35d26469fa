"""The catalog file: what is wrong is told by its place, before anything moves."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from storefront.catalog.loader import (
    DEMO,
    CatalogFile,
    CatalogInvalid,
    ProductEntry,
    load_catalog,
)
from storefront.transaction import transaction
from tests.factories.catalog import CATALOG
from tests.fixtures.shop import Shop

SHOP = 'legal_name = "Lunaria"\naddress = "Porto"\ntax_id = "PT1"\n'
SESSION = {
    "id": "reading",
    "kind": "session",
    "name": "Reading",
    "summary": "A reading.",
    "description": "An hour.",
    "next_steps": "We write to you.",
    "price": "80.00",
    "duration_minutes": 60,
}
ALMANAC = {
    **{name: value for name, value in SESSION.items() if name != "duration_minutes"},
    "id": "almanac",
    "kind": "almanac",
}
PACK = {**ALMANAC, "id": "pack", "kind": "pack", "pack_of": "reading", "pack_size": 3}


def toml(*products: dict[str, Any], shop: str = SHOP, more: str = "") -> str:
    """Write a catalog file."""
    parts = [f"{more}\n[shop]\n{shop}"]
    for product in products:
        members = [f"{name} = {_value(value)}" for name, value in product.items()]
        parts.append("\n".join(["[[products]]", *members]))
    return "\n".join(parts) + ("" if products else "\nproducts = []")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | list) else f'"{value}"'


def refusal(folder: Path, content: str | bytes) -> str:
    """Give the sentence with which a file is refused, database or not."""
    path = folder / "catalog.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CatalogInvalid) as caught:
        load_catalog(path, "EUR")
    assert str(path) in str(caught.value)
    return str(caught.value)


# The file


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match=r"nowhere\.toml cannot be read"):
        load_catalog(tmp_path / "nowhere.toml", "EUR")


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match="cannot be read"):
        load_catalog(tmp_path, "EUR")


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path, b'name = "caf\xe9"')


@pytest.mark.parametrize("text", ["[shop", "a = ", "a = 1\na = 2", '{"shop": {}}'])
def test_what_is_not_toml_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    assert "is not TOML: " in refusal(tmp_path, text)


@pytest.mark.parametrize("member", ["legal_name", "address", "tax_id"])
def test_a_seller_without_a_name_address_or_tax_id_is_refused(
    tmp_path: Path, member: str
) -> None:
    lines = [line for line in SHOP.splitlines() if not line.startswith(member)]
    sentence = refusal(tmp_path, toml(SESSION, shop="\n".join(lines)))
    assert f"shop.{member}" in sentence


@pytest.mark.parametrize("text", ["", "products = []", f"[shop]\n{SHOP}"])
def test_a_file_without_shop_or_products_is_refused(tmp_path: Path, text: str) -> None:
    assert "Field required" in refusal(tmp_path, text)


def test_a_member_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert "colour" in refusal(tmp_path, toml(SESSION, more='colour = "red"'))
    sentence = refusal(tmp_path, toml({**SESSION, "colour": "red"}))
    assert "products.0.colour" in sentence


# Products


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"id": ""}, "products.0.id"),
        ({"id": "Reading"}, "products.0.id"),
        ({"id": "a b"}, "products.0.id"),
        ({"id": "-a"}, "products.0.id"),
        ({"id": "a" * 101}, "products.0.id"),
        ({"kind": "lesson"}, "products.0.kind"),
        ({"name": "  "}, "products.0.name"),
        ({"name": "x" * 121}, "products.0.name"),
        ({"summary": "x" * 201}, "products.0.summary"),
        ({"description": ""}, "products.0.description"),
        ({"next_steps": ""}, "products.0.next_steps"),
        ({"price": 80}, "products.0.price"),
        ({"price": 80.0}, "products.0.price"),
        ({"duration_minutes": 0}, "products.0.duration_minutes"),
        ({"duration_minutes": 1441}, "products.0.duration_minutes"),
        ({"duration_minutes": "an hour"}, "products.0.duration_minutes"),
        ({"shipping_countries": ["Spain"]}, "products.0.shipping_countries.0"),
        ({"shipping_countries": ["es"]}, "products.0.shipping_countries.0"),
        ({"active": "maybe"}, "products.0.active"),
        ({"pack_of": "reading"}, "products.0"),
        ({"pack_size": 3}, "products.0"),
    ],
)
def test_a_product_that_is_wrong_is_refused_by_its_place(
    tmp_path: Path, changed: dict[str, Any], place: str
) -> None:
    assert f"{place}: " in refusal(tmp_path, toml({**SESSION, **changed}))


@pytest.mark.parametrize(
    "product",
    [
        {**ALMANAC, "duration_minutes": 60},
        {**ALMANAC, "pack_size": 3},
        {**ALMANAC, "kind": "session"},
        {**ALMANAC, "kind": "pack"},
        {**PACK, "pack_size": 1},
        {**PACK, "pack_size": 101},
        {**PACK, "duration_minutes": 60},
    ],
)
def test_a_product_that_does_not_fit_its_kind_is_refused(
    tmp_path: Path, product: dict[str, Any]
) -> None:
    assert "products.1" in refusal(tmp_path, toml(SESSION, product))


@pytest.mark.parametrize("named", ["nothing", "almanac", "pack"])
def test_a_pack_holds_sessions_of_the_same_file(tmp_path: Path, named: str) -> None:
    pack = {**PACK, "pack_of": named}
    assert "pack_of" in refusal(tmp_path, toml(SESSION, ALMANAC, pack))


def test_no_two_products_share_an_id(tmp_path: Path) -> None:
    assert "same id" in refusal(tmp_path, toml(SESSION, SESSION))


def test_text_that_postgres_cannot_hold_is_refused(tmp_path: Path) -> None:
    product = {**SESSION, "name": "A\\u0000B"}
    assert "products.0.name" in refusal(tmp_path, toml(product))


def test_a_country_that_there_is_not_is_refused(tmp_path: Path) -> None:
    # Stripe would refuse every checkout of the product.
    product = {**SESSION, "shipping_countries": ["XX"]}
    assert "shipping_countries" in refusal(tmp_path, toml(product))


# Prices

IMPAYABLE = [
    ("0", "EUR"),
    ("0.00", "EUR"),
    ("-1", "EUR"),
    ("80.001", "EUR"),
    ("9000.5", "JPY"),
    ("80,00", "EUR"),
    ("80 EUR", "EUR"),
    ("free", "EUR"),
    ("NaN", "EUR"),
    ("sNaN", "EUR"),
    ("Infinity", "EUR"),
    ("1e10", "EUR"),
    ("1e999999", "EUR"),
    ("1e-999999", "EUR"),
    ("80.0000000000000000000000000000001", "EUR"),
    ("80.00", "XXX"),
    ("80.00", "eur"),
]


def load(shop: Shop, path: Path) -> None:
    """Load a file as the command does."""
    with shop.app.app_context(), transaction():
        load_catalog(path, "EUR")


def test_a_price_that_nobody_can_pay_is_refused_by_its_product(
    shop: Shop, tmp_path: Path
) -> None:
    path = tmp_path / "catalog.toml"
    before = shop.rows("SELECT * FROM products ORDER BY id")
    told = {}
    for price, currency in IMPAYABLE:
        path.write_text(toml({**SESSION, "price": price, "currency": currency}))
        try:
            load(shop, path)
        except Exception as error:
            told[price, currency] = f"{type(error).__name__}: {error}"
    good = {
        place for place, text in told.items() if "CatalogInvalid: reading: " in text
    }
    assert {*IMPAYABLE} - good == set()
    assert shop.rows("SELECT * FROM products ORDER BY id") == before


def test_prices_are_kept_in_minor_units(shop: Shop, tmp_path: Path) -> None:
    prices = {
        "whole": ("80", "EUR", 8000),
        "cents": ("0.01", "EUR", 1),
        "yen": ("9000", "JPY", 9000),
        "fils": ("1.230", "KWD", 1230),
        "shops-own": ("80.00", None, 8000),
    }
    products = [
        {**SESSION, "id": name, "price": price}
        | ({"currency": currency} if currency else {})
        for name, (price, currency, _) in prices.items()
    ]
    path = tmp_path / "catalog.toml"
    path.write_text(toml(*products))
    load(shop, path)
    for name, (_, currency, amount) in prices.items():
        row = shop.row("SELECT * FROM products WHERE id = %s", name)
        assert (row["unit_amount"], row["currency"]) == (amount, currency or "EUR")


def test_space_around_words_is_not_kept() -> None:
    entry = ProductEntry.model_validate({**SESSION, "name": " Reading\n"})
    assert entry.name == "Reading"


@pytest.mark.parametrize("path", [DEMO, CATALOG])
def test_the_catalogs_that_come_along_are_sound(path: Path) -> None:
    catalog = CatalogFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    for entry in catalog.products:
        assert entry.file is None or (path.parent / entry.file).is_file()


def test_a_welcome_greets_in_every_language_of_the_shop(tmp_path: Path) -> None:
    greeting = '[shop.welcome.en]\nheadline = "Come in"\nintroduction = "We read."\n'
    shop = f'{SHOP}languages = ["en", "es"]\n{greeting}'
    assert "welcome lacks es" in refusal(tmp_path, toml(SESSION, shop=shop))
