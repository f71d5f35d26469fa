"""The shelf: the catalog by kind, and a page for each product."""

from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from storefront.catalog.models import Product, ProductKind
from storefront.catalog.queries import find_product, list_active_products
from storefront.settings import current_settings
from storefront.web.filters import absolute_url

blueprint = Blueprint("catalog", __name__)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show what can be bought, by kind."""
    products = list_active_products()
    shelves = {
        kind: [product for product in products if product.kind is kind]
        for kind in ProductKind
    }
    return render_template(
        "catalog/index.html", shelves=shelves, singles=_singles(products)
    )


@blueprint.get("/products/<product_id>")
def product(product_id: str) -> ResponseReturnValue:
    """Show one product; 410 with alternatives for one that is no longer sold."""
    found = find_product(product_id) if product_id.isprintable() else None
    if found is None:
        abort(404)
    others = [one for one in list_active_products() if one.id != found.id]
    if not found.is_active:
        return render_template(
            "catalog/gone.html",
            product=found,
            alternatives=[one for one in others if one.kind is found.kind] or others,
        ), 410
    return render_template(
        "catalog/product.html",
        product=found,
        singles=_singles(others),
        variants=[one for one in others if found.edition and _same_edition(one, found)],
    )


@blueprint.get("/api/products")
def api() -> ResponseReturnValue:
    """List the active catalog for programs."""
    return [_as_json(product) for product in list_active_products()]


def _as_json(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "kind": product.kind.value,
        "name": product.name,
        "summary": product.summary,
        "unit_amount": product.unit_amount,
        "currency": product.currency,
        "url": absolute_url(
            current_settings(), "catalog.product", product_id=product.id
        ),
    }


def _singles(products: Any) -> dict[str, Product]:
    """Give the sessions by id: a pack names its own, and compares the price."""
    return {one.id: one for one in products if one.kind is ProductKind.SESSION}


def _same_edition(one: Product, other: Product) -> bool:
    return one.kind is other.kind and one.edition == other.edition
