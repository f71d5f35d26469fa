"""Looking products up, in the language that is spoken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select

from storefront.catalog.models import (
    CatalogVersion,
    Product,
    ProductFile,
    ProductKind,
    Seller,
)
from storefront.extensions import db
from storefront.languages import LANGUAGES, spoken_language


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as it is told to somebody. `unit_amount`: minor units of `currency`.

    `has_file`: paid, it delivers a file at once. `pause_note`: why it cannot be bought
    just now; None while it can.
    """

    id: str
    kind: ProductKind
    name: str
    summary: str
    description: str
    next_steps: str
    unit_amount: int
    currency: str
    duration_minutes: int | None
    pack_of: str | None
    pack_size: int | None
    edition: str | None
    shipping_countries: Sequence[str]
    has_file: bool
    is_active: bool
    pause_note: str | None


def list_offers() -> list[Offer]:
    """List what is on the shelf, paused or not, in the owner's order."""
    products = db.session.scalars(
        select(Product).where(Product.is_active).order_by(Product.position, Product.id)
    )
    return [_offer(product) for product in products]


def find_offer(product_id: str) -> Offer | None:
    """Find a product, whether or not it can still be bought."""
    if not product_id.isprintable():
        # Postgres takes no NUL, and no id holds one.
        return None
    product = db.session.get(Product, product_id)
    return _offer(product) if product else None


def list_variants(offer: Offer) -> list[Offer]:
    """List the forms that an edition comes in, this one too; without one: this one."""
    if not offer.edition:
        return [offer]
    return [
        one
        for one in list_offers()
        if one.kind is offer.kind and one.edition == offer.edition
    ]


def find_payable_offers(
    product_ids: Iterable[str], version: str | None
) -> dict[str, Offer]:
    """Find those of these products that can be bought now, by id.

    :param version: which catalog is the present one, as the caller has just read.
    """
    payable = _payable_offers(version, spoken_language()) if version else {}
    return {one: payable[one] for one in product_ids if one in payable}


@lru_cache(maxsize=16)
def _payable_offers(_version: str, _language: str) -> dict[str, Offer]:
    """Read all that can be bought; once, because a change makes another version."""
    products = db.session.scalars(
        select(Product).where(Product.is_active, Product.pause_note.is_(None))
    )
    return {product.id: _offer(product) for product in products}


def find_file(product_id: str) -> ProductFile | None:
    """Find the file that a product delivers."""
    return db.session.get(ProductFile, product_id)


def find_seller() -> Seller | None:
    """Find who sells; None before a catalog was loaded."""
    return db.session.get(Seller, 1)


def find_welcome(shop_name: str) -> dict[str, str]:
    """Find what the first page says first: `headline` and `introduction`."""
    seller = find_seller()
    told = seller.welcome if seller else {}
    nothing = {"headline": shop_name, "introduction": ""}
    return told.get(spoken_language()) or next(iter(told.values()), nothing)


def list_languages(own: str) -> list[str]:
    """List the languages that the catalog is written in, the shop's own first."""
    seller = find_seller()
    told = seller.languages if seller else []
    return [own, *(one for one in told if one in LANGUAGES and one != own)]


def find_version() -> UUID | None:
    """Find which catalog this is; None before the first is loaded."""
    version: UUID | None = db.session.scalar(select(CatalogVersion.version))
    return version


def _offer(product: Product) -> Offer:
    told = product.translations.get(spoken_language(), {})
    pause_note = product.pause_note and told.get("pause_note", product.pause_note)
    return Offer(
        id=product.id,
        kind=product.kind,
        name=told.get("name", product.name),
        summary=told.get("summary", product.summary),
        description=told.get("description", product.description),
        next_steps=told.get("next_steps", product.next_steps),
        unit_amount=product.unit_amount,
        currency=product.currency,
        duration_minutes=product.duration_minutes,
        pack_of=product.pack_of,
        pack_size=product.pack_size,
        edition=product.edition,
        shipping_countries=tuple(product.shipping_countries or ()),
        has_file=product.has_file,
        is_active=product.is_active,
        pause_note=pause_note,
    )
