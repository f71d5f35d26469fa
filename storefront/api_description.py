"""OpenAPI 3.1 of the JSON endpoints, from the schemas that check them."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from storefront.catalog.models import ProductKind
from storefront.checkout.forms import CheckoutBody
from storefront.orders.models import OrderStatus
from storefront.settings import current_settings

blueprint = Blueprint("api_description", __name__)

Json = dict[str, Any]
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
UUID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
LINK = {"type": "string", "format": "uri"}
AMOUNT = {
    "type": "integer",
    "description": "Minor units of the currency's ISO 4217 exponent.",
}
CURRENCY = {"type": "string", "pattern": "^[A-Z]{3}$"}
STATUS = {"type": "string", "enum": [status.value for status in OrderStatus]}
KIND = {"type": "string", "enum": [kind.value for kind in ProductKind]}


@blueprint.get("/api/openapi.json")
def description() -> ResponseReturnValue:
    """Describe the API for programs."""
    return {
        "openapi": "3.1.0",
        "info": {"title": current_settings().shop_name, "version": "1"},
        "servers": [{"url": current_settings().base_url}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def _paths() -> Json:
    return {
        "/api/products": {
            "get": _operation(
                "List what can be bought",
                {200: _answer({"type": "array", "items": _ref("Product")})},
            )
        },
        "/api/orders/{order_id}": {
            "get": {
                **_operation(
                    "Tell how an order stands",
                    {200: _answer(_ref("Order")), 404: _problem()},
                ),
                "parameters": [
                    {"name": "order_id", "in": "path", "required": True, "schema": UUID}
                ],
            }
        },
        "/api/checkout": {"post": _checkout()},
    }


def _checkout() -> Json:
    refusals = {code: _problem() for code in (400, 409, 413, 415, 422, 429, 503)}
    return {
        **_operation(
            "Place an order and open its payment page",
            {201: _answer(_ref("PlacedOrder")), **refusals},
        ),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("CheckoutBody")}},
        },
    }


def _schemas() -> Json:
    body = CheckoutBody.model_json_schema(ref_template="#/components/schemas/{model}")
    order: Json = {
        "status": STATUS,
        "number": TEXT,
        "currency": CURRENCY,
        "total_amount": AMOUNT,
    }
    line: Json = {
        "service_id": TEXT,
        "name": TEXT,
        "quantity": NUMBER,
        "unit_amount": AMOUNT,
    }
    return {
        **body.pop("$defs"),
        "CheckoutBody": body,
        "PlacedOrder": _object(
            order_id=UUID,
            checkout_url=LINK,
            order_url=LINK,
            expires_at=MOMENT,
            **order,
        ),
        "Order": _object(
            id=UUID,
            amount_refunded=AMOUNT,
            created_at=MOMENT,
            updated_at=MOMENT,
            line_items={"type": "array", "items": _object(**line)},
            **order,
        ),
        "Product": _object(
            id=TEXT,
            kind=KIND,
            name=TEXT,
            summary=TEXT,
            unit_amount=AMOUNT,
            currency=CURRENCY,
            available={"type": "boolean"},
            consent={
                "description": "What to have agreed to before buying it, if anything.",
                "oneOf": [_object(withdrawal=TEXT, text=TEXT), {"type": "null"}],
            },
            url=LINK,
        ),
        "Problem": {
            **_object(type=TEXT, title=TEXT, status=NUMBER, detail=TEXT),
            "properties": {
                "type": TEXT,
                "title": TEXT,
                "status": NUMBER,
                "detail": TEXT,
                "errors": {
                    "type": "array",
                    "items": _object(field=TEXT, message=TEXT),
                },
            },
            "description": "RFC 9457",
        },
    }


def _operation(summary: str, answers: dict[int, Json]) -> Json:
    return {
        "summary": summary,
        "responses": {str(code): answer for code, answer in answers.items()},
    }


def _answer(schema: Json) -> Json:
    return {"description": "OK", "content": {"application/json": {"schema": schema}}}


def _problem() -> Json:
    return {
        "description": "Not done",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
    }
