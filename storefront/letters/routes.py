"""Handing out the receipt."""

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue

from storefront.letters.receipt import make_receipt
from storefront.orders.queries import find_order_by_token

blueprint = Blueprint("letters", __name__)


@blueprint.get("/orders/<token>/receipt.pdf")
def receipt(token: str) -> ResponseReturnValue:
    """Give the receipt of a paid order; anything else is one and the same 404."""
    order = find_order_by_token(token)
    file = make_receipt(order) if order else None
    if file is None:
        abort(404)
    answer = make_response(file.content)
    answer.mimetype = "application/pdf"
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
