"""The shelf: the catalog by kind, and a page for each product."""

from typing import Any

from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from storefront.catalog.cards import card_of, card_of_shop, get_card
from storefront.catalog.models import ProductKind
from storefront.catalog.queries import (
    Offer,
    find_offer,
    find_welcome,
    list_languages,
    list_offers,
    list_variants,
)
from storefront.catalog.seller import seller_facts, seller_line
from storefront.catalog.sitemap import sitemap
from storefront.catalog.structured_data import product_data
from storefront.checkout.consent import consent_asked_for
from storefront.languages import language_of, spoken_language
from storefront.settings import current_settings as _settings
from storefront.texts.queries import list_questions
from storefront.texts.reading import PAGES
from storefront.web.cards import name_card
from storefront.web.filters import absolute_url
from storefront.web.kept_pages import keep_pages

blueprint = Blueprint("catalog", __name__)
keep_pages(blueprint, ("index", "product"))

# How many questions the first page answers; /faq answers all.
AT_HOME = 4


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
    """List the languages once for each request: a page asks several times."""
    if "offered_languages" not in g:
        g.offered_languages = list_languages(language_of(_settings().shop_locale))
    languages: list[str] = g.offered_languages
    return languages


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show what can be bought, by kind."""
    products = list_offers()
    shelves = {
        kind: [product for product in products if product.kind is kind]
        for kind in ProductKind
    }
    return render_template(
        "catalog/index.html",
        welcome=find_welcome(_settings().shop_name),
        shelves=shelves,
        singles=_singles(products),
        questions=list_questions(spoken_language(), seller_facts())[:AT_HOME],
        sold_by=seller_line(),
    )


@blueprint.get("/products/<product_id>")
def product(product_id: str) -> ResponseReturnValue:
    """Show one product; 410 with alternatives for one that is no longer sold."""
    found = find_offer(product_id)
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
        sold_by=seller_line(),
        structured_data=product_data(
            found, _address(found), _picture(found), _settings().shop_name
        ),
    )


@blueprint.get("/card.png")
def card() -> ResponseReturnValue:
    """Show the shop as messengers show it beside a link."""
    return _sent(card_of_shop())


@blueprint.get("/products/<product_id>/card.png")
def product_card(product_id: str) -> ResponseReturnValue:
    """Show a product as messengers show it beside a link; sold or no longer sold."""
    found = find_offer(product_id)
    if found is None:
        abort(404)
    return _sent(card_of(found))


@blueprint.get("/sitemap.xml")
def site_map() -> ResponseReturnValue:
    """List the pages for search engines, in every language."""
    products = [
        ("catalog.product", {"product_id": product.id}) for product in list_offers()
    ]
    texts = [(f"texts.{name}", dict[str, str]()) for name in (*PAGES, "faq")]
    pages = [("catalog.index", dict[str, str]()), *products, *texts]
    written = sitemap(
        {
            one: absolute_url(_settings(), endpoint, one, **values)
            for one in _languages()
        }
        for endpoint, values in pages
    )
    return Response(written, mimetype="application/xml")


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """Tell crawlers where nothing is for them: forms, and the API."""
    lines = [
        "User-agent: *",
        "Disallow: /checkout",
        "Disallow: /*/checkout",
        "Disallow: /api/",
        f"Sitemap: {_settings().base_url}/sitemap.xml",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@blueprint.get("/api/products")
def api() -> ResponseReturnValue:
    """List the active catalog for programs."""
    return [_as_json(product) for product in list_offers()]


def _as_json(product: Offer) -> dict[str, Any]:
    asked = consent_asked_for(product)
    return {
        "id": product.id,
        "kind": product.kind.value,
        "name": product.name,
        "summary": product.summary,
        "unit_amount": product.unit_amount,
        "currency": product.currency,
        "available": product.pause_note is None,
        "consent": asked and {asked["kind"]: asked["version"], "text": asked["text"]},
        "url": _address(product),
    }


def _sent(composed: str) -> ResponseReturnValue:
    """Give a card, to be kept for a week; only what is not kept yet is drawn."""
    answer = Response(mimetype="image/png")
    answer.headers["Cache-Control"] = "public, max-age=604800"
    answer.set_etag(name_card(composed))
    if answer.make_conditional(request).status_code != 304:
        answer.set_data(get_card(composed))
    return answer


def _picture(product: Offer) -> str:
    return absolute_url(_settings(), "catalog.product_card", product_id=product.id)


def _address(product: Offer) -> str:
    return absolute_url(_settings(), "catalog.product", product_id=product.id)


def _singles(products: list[Offer]) -> dict[str, Offer]:
    """Give the sessions by id: a pack names its own, and compares the price."""
    return {one.id: one for one in products if one.kind is ProductKind.SESSION}
