"""Handing out the receipt."""

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue

from storefront.catalog.queries import find_seller
from storefront.letters.receipt import make_receipt
from storefront.orders.queries import find_order_by_token, list_counted_refunds

blueprint = Blueprint("letters", __name__)


@blueprint.get("/orders/<token>/receipt.pdf")
def receipt(token: str) -> ResponseReturnValue:
    """Give the receipt of a paid order; anything else is one and the same 404."""
    order = find_order_by_token(token)
    if order is None:
        abort(404)
    file = make_receipt(order, list_counted_refunds(order), find_seller())
    if file is None:
        abort(404)
    answer = make_response(file.content)
    answer.mimetype = "application/pdf"
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
