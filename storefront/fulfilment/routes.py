"""Handing out what was bought, and taking statements of withdrawal."""

from http import HTTPStatus

from flask import (
    Blueprint,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from storefront.checkout.forms import read_statement
from storefront.checkout.withdraw import withdraw
from storefront.errors import FieldError, NothingToWithdraw
from storefront.fulfilment.downloads import find_download, hand_out
from storefront.fulfilment.withdrawals import (
    Right,
    draft,
    find_withdrawal,
    list_statement,
    name_lines,
    read_right,
)
from storefront.languages import gettext as _
from storefront.orders.models import Order
from storefront.orders.queries import find_order_by_token
from storefront.orders.quiet_polls import PRIVATE
from storefront.web.problems import refuse_form

blueprint = Blueprint("fulfilment", __name__)


@blueprint.get("/orders/<token>/files/<product_id>")
def download(token: str, product_id: str) -> ResponseReturnValue:
    """Give the file of a paid order; anything else is one and the same 404."""
    order = find_order_by_token(token)
    give = hand_out if _is_asked_by_hand() else find_download
    file = give(order, product_id) if order else None
    if file is None:
        abort(404)
    answer = make_response(file.content)
    answer.mimetype = file.media_type
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    return answer


@blueprint.get("/orders/<token>/withdrawal")
def withdrawal(token: str) -> ResponseReturnValue:
    """Show the statement of an order, the form for one, or why there can be none."""
    order = _get(token)
    stated, right = find_withdrawal(order.id), read_right(order)
    if stated:
        html = render_template(
            "fulfilment/withdrawn.html",
            order=order,
            withdrawal=stated,
            statement=list_statement(order, stated),
        )
        return _private(html)
    if right.is_open:
        typed = {"name": order.customer_name, "email": order.customer_email}
        return _form(order, right, typed)
    return _private(
        render_template("fulfilment/no_withdrawal.html", order=order, right=right)
    )


@blueprint.post("/orders/<token>/withdrawal")
def review(token: str) -> ResponseReturnValue:
    """Show a statement as it would be sent; or the form again, to change something."""
    order = _get(token)
    right, typed = read_right(order), request.form.to_dict()
    if find_withdrawal(order.id) or not right.is_open:
        return redirect(url_for("fulfilment.withdrawal", token=token), 303)
    if "change" in typed:
        return _form(order, right, typed)
    try:
        statement = read_statement(typed)
    except FieldError as error:
        return _form(order, right, typed, 422, errors=error.errors)
    html = render_template(
        "fulfilment/confirm_withdrawal.html",
        order=order,
        typed=typed,
        statement=list_statement(order, draft(order, right, statement)),
    )
    return _private(html)


@blueprint.post("/orders/<token>/withdrawal/confirm")
def confirm(token: str) -> ResponseReturnValue:
    """Send the statement, once; whatever comes later shows the first one."""
    order = _get(token)
    try:
        withdraw(order.id, read_statement(request.form.to_dict()))
    except FieldError as error:
        typed, right = request.form.to_dict(), read_right(order)
        return _form(order, right, typed, 422, errors=error.errors)
    except NothingToWithdraw:
        # The page that follows says why.
        pass
    return redirect(url_for("fulfilment.withdrawal", token=token), 303)


@blueprint.errorhandler(CSRFError)
def reopen(error: CSRFError) -> ResponseReturnValue:
    """Open a form that was open too long once more, with what was typed."""
    order = find_order_by_token((request.view_args or {}).get("token", ""))
    right = read_right(order) if order else None
    if order is None or right is None or not right.is_open:
        return refuse_form(error)
    trouble = _(
        "This page was open too long. Everything is still here: send it once more."
    )
    return _form(order, right, request.form.to_dict(), 400, trouble=trouble)


def _form(
    order: Order,
    right: Right,
    typed: dict[str, str],
    status: int = HTTPStatus.OK,
    errors: dict[str, str] | None = None,
    trouble: str | None = None,
) -> Response:
    html = render_template(
        "fulfilment/withdrawal.html",
        order=order,
        right=right,
        covered=name_lines(right.covered),
        typed=typed,
        errors=errors or {},
        trouble=trouble,
    )
    return _private(html, status)


def _is_asked_by_hand() -> bool:
    """Tell a person's browser from what looks through mail, or fetches in advance.

    Only browsers say where a request comes from, and those never read a page's or a
    letter's links unasked without saying so. What cannot be told takes nobody's right
    to withdraw away.
    """
    return (
        request.method == "GET"
        and "Sec-Fetch-Site" in request.headers
        and "Sec-Purpose" not in request.headers
    )


def _get(token: str) -> Order:
    order = find_order_by_token(token)
    if order is None:
        abort(404)
    return order


def _private(html: str, status: int = HTTPStatus.OK) -> Response:
    answer = make_response(html, status)
    answer.headers.update(PRIVATE)
    return answer
