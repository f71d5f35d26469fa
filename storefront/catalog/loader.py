"""The catalog file: TOML in, products out; loading it again updates."""

import mimetypes
import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from sqlalchemy import update

from storefront.catalog.countries import COUNTRIES
from storefront.catalog.models import Product, ProductFile, ProductKind, Seller
from storefront.errors import StorefrontError
from storefront.extensions import db
from storefront.languages import LANGUAGES
from storefront.money import is_currency, parse_money
from storefront.texts.loader import keep_texts, read_texts
from storefront.texts.reading import Text, TextInvalid

DEMO = Path(__file__).parent / "demo.toml"


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL, which Postgres cannot store")
    return text


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError("is no country that Stripe sends to, like PT")
    return code


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_storable),
]
Country = Annotated[str, AfterValidator(_country)]


class CatalogInvalid(StorefrontError):
    """The catalog file cannot be loaded; the text names the place."""


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"is none of the shop's languages: {', '.join(LANGUAGES)}")
    return code


Language = Annotated[str, AfterValidator(_language)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Welcome(_Entry):
    """What the first page says first: who this is, and for whom."""

    headline: Annotated[Words, StringConstraints(max_length=120)]
    introduction: Annotated[Words, StringConstraints(max_length=400)]


class ShopEntry(_Entry):
    """Who sells, as receipts name them. `texts`: a folder beside the file."""

    legal_name: Words
    address: Words
    tax_id: Words
    languages: list[Language] = Field(default=["en"], min_length=1)
    texts: Words | None = None
    welcome: dict[Language, Welcome] = {}

    @model_validator(mode="after")
    def _welcomes_everybody(self) -> "ShopEntry":
        lacking = [one for one in self.languages if one not in self.welcome]
        if self.welcome and lacking:
            raise ValueError(f"welcome lacks {', '.join(lacking)}")
        return self


class Texts(_Entry):
    """What is said of a product, in one language. `paused`: why it cannot be bought."""

    name: Annotated[Words, StringConstraints(max_length=120)]
    summary: Annotated[Words, StringConstraints(max_length=200)]
    description: Words
    next_steps: Words
    paused: Words | None = None


class ProductEntry(Texts):
    """One product of the file. `price`: whole units of its currency, like "80.00"."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
    kind: ProductKind
    price: Words
    currency: str | None = None
    duration_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    pack_of: str | None = None
    pack_size: Annotated[int, Field(ge=2, le=100)] | None = None
    edition: Words | None = None
    file: Words | None = None
    shipping_countries: list[Country] = []
    active: bool = True
    texts: dict[Language, Texts] = {}

    @model_validator(mode="before")
    @classmethod
    def _languages(cls, entry: Any) -> Any:
        """Gather the tables that are named by their language."""
        if not isinstance(entry, dict):
            return entry
        texts = {one: entry[one] for one in LANGUAGES if one in entry}
        rest = {name: value for name, value in entry.items() if name not in texts}
        return {**rest, "texts": texts} if texts else rest

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "ProductEntry":
        if (self.kind is ProductKind.SESSION) != (self.duration_minutes is not None):
            raise ValueError("a session, and only a session, has duration_minutes")
        is_pack = self.kind is ProductKind.PACK
        if is_pack != (self.pack_of is not None) or is_pack != bool(self.pack_size):
            raise ValueError("a pack, and only a pack, has pack_of and pack_size")
        return self


class CatalogFile(_Entry):
    """The whole file."""

    shop: ShopEntry
    products: list[ProductEntry]

    @model_validator(mode="after")
    def _hangs_together(self) -> "CatalogFile":
        kinds = {entry.id: entry.kind for entry in self.products}
        if len(kinds) < len(self.products):
            raise ValueError("two products have the same id")
        for entry in self.products:
            if entry.pack_of and kinds.get(entry.pack_of) is not ProductKind.SESSION:
                raise ValueError(f"{entry.id}: pack_of names no session of this file")
            self._is_told_in_all_languages(entry)
        return self

    def _is_told_in_all_languages(self, entry: ProductEntry) -> None:
        """Refuse what a visitor would find in a language that was not asked for."""
        _, *others = self.shop.languages
        lacking = [one for one in others if one not in entry.texts]
        if entry.active and lacking:
            raise ValueError(f"{entry.id}: lacks its texts in {', '.join(lacking)}")
        silent = [one for one, said in entry.texts.items() if not said.paused]
        if entry.paused and silent:
            raise ValueError(f"{entry.id}: lacks paused in {', '.join(silent)}")


def load_catalog(path: Path, shop_currency: str) -> int:
    """Make the shelf what the file says; give the number of products.

    Products that the file no longer names are taken off the shelf, never deleted:
    orders carry copies of what was bought, and old addresses tell what became of it.

    Transaction: the caller's. Safe to repeat: rows are updated by their ids.

    :raises CatalogInvalid: with the place and the reason; nothing has changed.
    """
    catalog = _read(path)
    texts = _own_texts(catalog.shop, path.parent)
    db.session.merge(Seller(id=1, **catalog.shop.model_dump(exclude={"texts"})))
    keep_texts(texts)
    # Sessions first: packs refer to them.
    entries = sorted(enumerate(catalog.products), key=lambda e: e[1].pack_of or "")
    for position, entry in entries:
        db.session.merge(_product(entry, position, shop_currency))
        db.session.flush()
        if entry.file:
            db.session.merge(_file(entry, path.parent / entry.file))
    db.session.execute(
        update(Product)
        .where(Product.id.not_in([entry.id for entry in catalog.products]))
        .values(is_active=False)
    )
    return len(catalog.products)


def _read(path: Path) -> CatalogFile:
    try:
        return CatalogFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogInvalid(f"{path} cannot be read.") from error
    except tomllib.TOMLDecodeError as error:
        raise CatalogInvalid(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise CatalogInvalid(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    one = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in one["loc"])
    text = one["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _own_texts(shop: ShopEntry, beside: Path) -> list[Text]:
    if shop.texts is None:
        return []
    try:
        return read_texts(beside / shop.texts, shop.languages)
    except TextInvalid as error:
        raise CatalogInvalid(f"shop.texts: {error}") from error


def _product(entry: ProductEntry, position: int, shop_currency: str) -> Product:
    currency = entry.currency or shop_currency
    return Product(
        **entry.model_dump(
            exclude={
                "price",
                "currency",
                "file",
                "shipping_countries",
                "active",
                "texts",
                "paused",
            }
        ),
        pause_note=entry.paused,
        translations={language: _texts(said) for language, said in entry.texts.items()},
        unit_amount=_amount(entry, currency),
        currency=currency,
        shipping_countries=entry.shipping_countries or None,
        is_active=entry.active,
        position=position,
    )


def _texts(said: Texts) -> dict[str, str]:
    texts = said.model_dump(exclude={"paused"})
    return texts | ({"pause_note": said.paused} if said.paused else {})


def _amount(entry: ProductEntry, currency: str) -> int:
    if not is_currency(currency):
        raise CatalogInvalid(f"{entry.id}: {currency} is no currency of ISO 4217.")
    try:
        amount = parse_money(Decimal(entry.price), currency)
    except (InvalidOperation, ValueError) as error:
        raise CatalogInvalid(
            f"{entry.id}: the price is no amount of {currency}."
        ) from error
    if not 0 < amount < 2**31:
        raise CatalogInvalid(f"{entry.id}: the price must be above zero.")
    return amount


def _file(entry: ProductEntry, path: Path) -> Any:
    media_type, _ = mimetypes.guess_type(path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogInvalid(f"{entry.id}: {path} cannot be read.") from error
    return ProductFile(
        product_id=entry.id,
        name=path.name,
        media_type=media_type or "application/octet-stream",
        content=content,
    )
