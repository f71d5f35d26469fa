"""The details form, and the way from there to the payment page."""

import re
import time
from collections.abc import Mapping
from http import HTTPStatus

from flask import (
    Blueprint,
    abort,
    get_template_attribute,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from storefront.catalog.queries import Offer, find_offer, list_variants
from storefront.checkout.consent import consent_asked_for
from storefront.checkout.forms import find_fault, read_form
from storefront.checkout.open_payment import open_payment
from storefront.checkout.place_order import PlacedOrder, place_order
from storefront.checkout.purchase import MOST_OF_ONE, Purchase
from storefront.checkout.typos import suggest_email
from storefront.errors import (
    CheckoutUnderWay,
    FieldError,
    OrderNotPayable,
    PaymentUnavailable,
    TooManyCheckouts,
)
from storefront.languages import gettext as _
from storefront.languages import later, ngettext, spoken_locale
from storefront.orders.models import OrderStatus
from storefront.orders.numbers import new_page_token
from storefront.orders.queries import find_order_by_token
from storefront.web.htmx import leave_for, wants_fragment
from storefront.web.problems import refuse_form

blueprint = Blueprint("checkout", __name__)

# A second click waits for the first one's answer: it belongs to the same person.
PATIENCE_SECONDS, GLANCE_SECONDS = 11.0, 0.2
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")
WHOLE = re.compile(r"[0-9]{1,3}")
FIELDS = ("email", "name", "note", "consent")


@blueprint.get("/checkout")
def details() -> ResponseReturnValue:
    """Show the details form of one product, or open it in the page that asks."""
    product = _product(request.args)
    typed = {"quantity": "1"} | _sent_before(product)
    quantity = str(request.args.get("quantity"))
    if WHOLE.fullmatch(quantity):
        typed["quantity"] = quantity
    return _form(product, typed)


@blueprint.post("/checkout/again")
def again() -> ResponseReturnValue:
    """Show the form once more for another variant, with what was typed."""
    typed = request.form.to_dict()
    return _form(_product(typed), typed)


@blueprint.post("/checkout/total")
def total() -> ResponseReturnValue:
    """Add up for another quantity."""
    typed = request.form.to_dict()
    product = _product(typed)
    return render_template("checkout/_sum.html", **_facts(product, typed))


@blueprint.post("/checkout/check/<name>")
def check(name: str) -> ResponseReturnValue:
    """Say what is wrong with one field, as the form would."""
    if name not in ("email", "name", "note"):
        abort(404)
    typed = request.form.to_dict()
    meant = suggest_email(str(typed.get("email"))) if name == "email" else None
    says = get_template_attribute("macros/form.html", "says")
    answer: str = says(name, find_fault(name, typed), meant)
    return answer


@blueprint.post("/checkout")
def submit() -> ResponseReturnValue:
    """Place the order and lead to the payment page; on faults, back to the form.

    The one-time token and what was typed make the key: the same form sent twice is
    one order, a corrected one is another.
    """
    typed = request.form.to_dict()
    product = _product(typed)
    asked = consent_asked_for(product)
    try:
        purchase = read_form(typed, asked).purchase(spoken_locale(), asked)
        token = _token(typed)
        placed = _place_patiently(purchase, token)
    except FieldError as error:
        return _form(product, typed, errors=_by_field(error)), 422
    except CheckoutUnderWay:
        trouble = _("We are still opening the payment page. Please try again.")
        return _form(product, typed, trouble=trouble), 503, {"Retry-After": "5"}
    except TooManyCheckouts as error:
        trouble = ngettext(
            "Too many tries. Please try again in %(num)s second.",
            "Too many tries. Please try again in %(num)s seconds.",
            error.retry_after,
        )
        return (
            _form(product, typed, trouble=trouble),
            HTTPStatus.TOO_MANY_REQUESTS,
            {"Retry-After": str(error.retry_after)},
        )
    except PaymentUnavailable:
        return _form(product, typed, trouble=_(UNAVAILABLE)), 503, {"Retry-After": "10"}
    session["sent"] = token, placed.page_token
    return leave_for(placed.checkout_url or _order_url(placed.page_token))


UNAVAILABLE = later(
    "The payment page does not open just now. Nothing was charged, and your order is "
    "kept. Please try again."
)


@blueprint.errorhandler(CSRFError)
def reopen(error: CSRFError) -> ResponseReturnValue:
    """Open a form that was open too long once more, with what was typed."""
    product = _named(request.form)
    buyable = product and product.is_active and not product.pause_note
    if product is None or not buyable or request.endpoint != "checkout.submit":
        return refuse_form(error)
    trouble = _(
        "This page was open too long. Everything is still here: send it once more."
    )
    return _form(product, request.form.to_dict(), trouble=trouble), 400


@blueprint.post("/orders/<token>/pay")
def pay(token: str) -> ResponseReturnValue:
    """Lead to the payment page of an order that is not paid yet, or no longer open."""
    order = find_order_by_token(token)
    if order is None:
        abort(404)
    try:
        return leave_for(open_payment(order.id))
    except OrderNotPayable:
        return redirect(_order_url(token), 303)
    except PaymentUnavailable:
        html = render_template(
            "checkout/unavailable.html", order=order, text=_(UNAVAILABLE)
        )
        return html, 503, {"Retry-After": "10"}


def _place_patiently(purchase: Purchase, token: str) -> PlacedOrder:
    """Place the order, or share the answer of the click that came first."""
    key = f"form:{token}:{purchase.fingerprint()}"
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            placed = place_order(purchase, key, request.remote_addr or "")
            break
        except CheckoutUnderWay:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(GLANCE_SECONDS)
    return placed


def _sent_before(product: Offer) -> dict[str, str]:
    """Give what this browser sent for the product, while that order can be paid.

    A browser that went back and loads the form anew would else make a second order.
    One whose payment is at the bank, for days, has no deadline: it is done here.
    """
    if "sent" not in session:
        return {}
    token, page_token = session["sent"]
    order = find_order_by_token(page_token)
    if order is None or order.status is not OrderStatus.PENDING:
        return {}
    if order.expires_at is None:
        return {}
    if [line["service_id"] for line in order.line_items] != [product.id]:
        return {}
    return {
        "checkout_token": token,
        "email": order.customer_email,
        "name": order.customer_name,
        "note": order.note or "",
        "quantity": str(order.line_items[0]["quantity"]),
    }


def _product(given: Mapping[str, str]) -> Offer:
    product = _named(given)
    if product is None:
        abort(404)
    if not product.is_active:
        abort(410)
    if product.pause_note:
        abort(_paused(product))
    return product


def _named(given: Mapping[str, str]) -> Offer | None:
    return find_offer(str(given.get("service_id")))


def _paused(product: Offer) -> Response:
    """Say why it cannot be bought just now; never show a form for it."""
    name = "_paused.html" if wants_fragment() else "paused.html"
    html = render_template(f"checkout/{name}", product=product)
    return make_response(html, HTTPStatus.CONFLICT)


def _form(
    product: Offer,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    trouble: str | None = None,
) -> str:
    name = "_details.html" if wants_fragment() else "details.html"
    return render_template(
        f"checkout/{name}",
        errors=errors or {},
        trouble=trouble,
        most_of_one=MOST_OF_ONE,
        consent=consent_asked_for(product),
        checkout_token=_token(typed),
        variants=[one for one in list_variants(product) if not one.pause_note],
        **_facts(product, typed),
    )


def _facts(product: Offer, typed: dict[str, str]) -> dict[str, object]:
    quantity = str(typed.get("quantity"))
    valid = WHOLE.fullmatch(quantity) and 1 <= int(quantity) <= MOST_OF_ONE
    return {
        "product": product,
        "typed": typed,
        "quantity": int(quantity) if valid else 1,
    }


def _token(typed: dict[str, str]) -> str:
    """Give the one-time token of the form that was sent, or a new one."""
    token = typed.get("checkout_token", "")
    return token if TOKEN.fullmatch(token) else new_page_token()


def _by_field(error: FieldError) -> dict[str, str]:
    """Name the form's fields: what the catalog refuses concerns the quantity."""
    return {
        name if name in FIELDS else "quantity": text
        for name, text in error.errors.items()
    }


def _order_url(token: str) -> str:
    return url_for("orders.page", token=token)
