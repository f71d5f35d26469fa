"""What made-up customers buy: baskets of the demo's catalog, as the shop keeps them."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import storefront
from storefront.gateway.parameters import Line, SessionRequest, session_parameters

CATALOG = Path(storefront.__file__).parent / "catalog" / "demo.toml"
SHOP = "https://lunaria.example"
CURRENCY = "EUR"
CONSENT = "I want the download at once, and I know that I cannot withdraw afterwards."
# Shares as a studio that speaks three languages may have them.
LANGUAGES = ("en", "en", "en", "es", "es", "pt")
# Enough that rows differ, few enough to be looked up at once.
BASKETS = 240


@dataclass(frozen=True, slots=True)
class Basket:
    """Something to buy. `total`: minor units; the rest is JSON as it is stored."""

    place: int
    locale: str
    lines: str
    total: int
    items: str
    parameters: str
    consent: str | None
    is_shipped: bool


def list_baskets() -> list[Basket]:
    """Draw the baskets: one to three lines each, the same ones every time."""
    products = tomllib.loads(CATALOG.read_text("utf-8"))["products"]
    # Not for secrets: the same baskets every time.
    draw = Random(7)  # noqa: S311
    return [_basket(place, products, draw) for place in range(BASKETS)]


def _basket(place: int, products: list[dict[str, Any]], draw: Random) -> Basket:
    locale = draw.choice(LANGUAGES)
    kinds = draw.choices((1, 2, 3), (70, 22, 8))[0]
    chosen = draw.sample(products, kinds)
    lines = list(_lines(chosen, locale, draw))
    countries = sorted({c for one in chosen for c in one.get("shipping_countries", ())})
    parameters = session_parameters(_request(lines, locale, countries))
    has_file = any(line["has_file"] for line in lines)
    return Basket(
        place=place,
        locale=locale,
        lines=json.dumps(lines),
        total=sum(line["unit_amount"] * line["quantity"] for line in lines),
        items=parameters["metadata"]["items"],
        parameters=json.dumps(parameters),
        consent=json.dumps(_consent(locale)) if has_file else None,
        is_shipped=bool(countries),
    )


def _lines(
    products: list[dict[str, Any]], locale: str, draw: Random
) -> Iterator[dict[str, Any]]:
    for product in products:
        told = {**product, **product.get(locale, {})}
        yield {
            "service_id": product["id"],
            "quantity": draw.choices((1, 2, 3), (85, 12, 3))[0],
            "unit_amount": int(Decimal(product["price"]) * 100),
            "name": told["name"],
            "kind": product["kind"],
            "next_steps": told["next_steps"],
            "has_file": "file" in product,
        }


def _request(
    lines: list[dict[str, Any]], locale: str, countries: list[str]
) -> SessionRequest:
    """Ask for what all orders of a basket have in common; the rest is put in later."""
    nobody = UUID(int=0)
    return SessionRequest(
        shop=SHOP,
        order_id=nobody,
        number="",
        attempt_id=nobody,
        lines=[
            Line(one["service_id"], one["name"], one["unit_amount"], one["quantity"])
            for one in lines
        ],
        currency=CURRENCY,
        email="",
        locale=locale,
        order_url="",
        expires_at=datetime.fromtimestamp(0, UTC),
        shipping_countries=countries,
    )


def _consent(locale: str) -> dict[str, str]:
    return {
        "kind": "withdrawal",
        "version": "2026-11",
        "language": locale,
        "text": CONSENT,
    }
