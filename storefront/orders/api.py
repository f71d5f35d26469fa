"""GET /api/orders/<uuid>: an order's status for programs; nothing personal."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from storefront.clock import iso
from storefront.orders.models import Order
from storefront.orders.queries import find_order

blueprint = Blueprint("orders_api", __name__, url_prefix="/api")


@blueprint.get("/orders/<uuid:order_id>")
def status(order_id: UUID) -> ResponseReturnValue:
    """Tell how an order stands."""
    order = find_order(order_id)
    if order is None:
        abort(404)
    return _as_json(order)


def _as_json(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.id),
        "number": order.number,
        "status": order.status.value,
        "currency": order.currency,
        "total_amount": order.total_amount,
        "amount_refunded": order.amount_refunded,
        "created_at": iso(order.created_at),
        "updated_at": iso(order.updated_at),
        "line_items": [
            {
                name: line[name]
                for name in ("service_id", "name", "quantity", "unit_amount")
            }
            for line in order.line_items
        ],
    }
