"""The shelf: the catalog by kind, and a page for each product."""

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from storefront.catalog.models import ProductKind
from storefront.catalog.queries import (
    Offer,
    find_offer,
    list_languages,
    list_offers,
    list_variants,
)
from storefront.languages import language_of
from storefront.settings import current_settings
from storefront.web.filters import absolute_url

blueprint = Blueprint("catalog", __name__)


@blueprint.before_app_request
def refuse_unspoken() -> None:
    """Refuse addresses in a language that nothing here is told in."""
    language = request.root_path.rpartition("/")[2]
    if language and language not in _languages():
        abort(404)


@blueprint.app_context_processor
def _told() -> dict[str, object]:
    return {"offered_languages": _languages}


def _languages() -> list[str]:
    return list_languages(language_of(current_settings().shop_locale))


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show what can be bought, by kind."""
    products = list_offers()
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
    found = find_offer(product_id) if product_id.isprintable() else None
    if found is None:
        abort(404)
    others = [one for one in list_offers() if one.id != found.id]
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
        variants=list_variants(found),
    )


@blueprint.get("/api/products")
def api() -> ResponseReturnValue:
    """List the active catalog for programs."""
    return [_as_json(product) for product in list_offers()]


def _as_json(product: Offer) -> dict[str, Any]:
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


def _singles(products: list[Offer]) -> dict[str, Offer]:
    """Give the sessions by id: a pack names its own, and compares the price."""
    return {one.id: one for one in products if one.kind is ProductKind.SESSION}
