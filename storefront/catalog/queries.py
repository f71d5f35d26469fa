"""Looking products up."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from storefront.catalog.models import Product, ProductFile, Seller
from storefront.extensions import db


def list_active_products() -> Sequence[Product]:
    """List what can be bought, in the owner's order."""
    return db.session.scalars(
        select(Product).where(Product.is_active).order_by(Product.position, Product.id)
    ).all()


def find_product(product_id: str) -> Product | None:
    """Find a product, whether or not it can still be bought."""
    return db.session.get(Product, product_id)


def find_active_products(product_ids: Iterable[str]) -> dict[str, Product]:
    """Find those of these products that can be bought, by id."""
    products = db.session.scalars(
        select(Product).where(Product.id.in_(product_ids), Product.is_active)
    )
    return {product.id: product for product in products}


def find_file(product_id: str) -> ProductFile | None:
    """Find the file that a product delivers."""
    return db.session.get(ProductFile, product_id)


def list_products_with_files() -> set[str]:
    """List which products deliver a file."""
    return set(db.session.scalars(select(ProductFile.product_id)))


def find_seller() -> Seller | None:
    """Find who sells; None before a catalog was loaded."""
    return db.session.get(Seller, 1)
