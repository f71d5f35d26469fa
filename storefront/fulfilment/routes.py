"""Handing out what was bought."""

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue

from storefront.fulfilment.downloads import find_download
from storefront.orders.queries import find_order_by_token

blueprint = Blueprint("fulfilment", __name__)


@blueprint.get("/orders/<token>/files/<product_id>")
def download(token: str, product_id: str) -> ResponseReturnValue:
    """Give the file of a paid order; anything else is one and the same 404."""
    order = find_order_by_token(token)
    file = find_download(order, product_id) if order else None
    if file is None:
        abort(404)
    answer = make_response(file.content)
    answer.mimetype = file.media_type
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    return answer
