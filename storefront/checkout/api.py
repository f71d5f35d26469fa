"""POST /api/checkout: the shop for programs."""

import json
import re
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from storefront.checkout.consent import consent_fault, present_consent
from storefront.checkout.forms import Agreed, read_body
from storefront.checkout.place_order import PlacedOrder, place_order
from storefront.errors import (
    CheckoutUnderWay,
    FieldError,
    KeyReused,
    PaymentUnavailable,
    TooManyCheckouts,
)
from storefront.extensions import csrf
from storefront.languages import gettext as _
from storefront.languages import spoken_locale
from storefront.orders.numbers import new_page_token
from storefront.settings import current_settings
from storefront.texts.models import Consent
from storefront.web.filters import absolute_url
from storefront.web.problems import problem

blueprint = Blueprint("checkout_api", __name__, url_prefix="/api")
# JSON from another site is stopped by the browser before it is sent.
csrf.exempt(blueprint)

KEY = re.compile(r"[\x20-\x7e]{1,255}")


@blueprint.post("/checkout")
def checkout() -> ResponseReturnValue:
    """Place an order and answer with the address where it can be paid."""
    if not request.is_json:
        return problem(415, _("Send the body as application/json."))
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        detail = _("Idempotency-Key is 1 to 255 printable ASCII characters.")
        return problem(400, detail)
    try:
        body = _read_json(request.get_data())
    except (ValueError, RecursionError):
        detail = _("The body is no JSON object, or names a member twice.")
        return problem(400, detail)
    try:
        wish = read_body(body)
        purchase = wish.purchase(spoken_locale(), _consent(wish.consent))
        placed = place_order(
            purchase, f"api:{key or new_page_token()}", request.remote_addr or ""
        )
    except FieldError as error:
        detail = _("Some fields need another look.")
        return problem(422, detail, errors=error.errors)
    except KeyReused as error:
        return problem(422, str(error), errors={"Idempotency-Key": str(error)})
    except CheckoutUnderWay as error:
        return problem(409, str(error), retry_after=2)
    except TooManyCheckouts as error:
        detail = _("Too many checkouts from this address.")
        return problem(429, detail, retry_after=error.retry_after)
    except PaymentUnavailable:
        detail = _("The payment service does not answer just now.")
        return problem(503, detail, retry_after=10)
    return _as_json(placed), 201


def _consent(agreed: Agreed | None) -> Consent | None:
    """Take the consent that was given, if one was: programs may ask by themselves.

    :raises FieldError: if it is for another text than today's.
    """
    if agreed is None:
        return None
    asked = present_consent()
    fault = consent_fault(agreed.withdrawal, asked)
    if fault:
        raise FieldError({"consent.withdrawal": fault})
    return asked


def _as_json(placed: PlacedOrder) -> dict[str, Any]:
    order_url = absolute_url(current_settings(), "orders.page", token=placed.page_token)
    return {
        "order_id": placed.order_id,
        "number": placed.number,
        "status": placed.status,
        "checkout_url": placed.checkout_url or order_url,
        "order_url": order_url,
        "currency": placed.currency,
        "total_amount": placed.total_amount,
        "expires_at": placed.expires_at,
    }


def _read_json(body: bytes) -> Any:
    """Read JSON strictly: a member named twice would mean two things."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            raise ValueError
        return members

    read = json.loads(body.decode(), object_pairs_hook=once)
    if not isinstance(read, dict):
        raise ValueError
    return read
