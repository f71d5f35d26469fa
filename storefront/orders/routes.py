"""The customer's order page: one address, right in every state."""

from dataclasses import dataclass
from math import ceil

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

from storefront.checkout.ask_stripe import look_again
from storefront.checkout.find_orders import send_links
from storefront.checkout.forms import read_email
from storefront.checkout.send_receipt_again import send_receipt_again
from storefront.errors import (
    FieldError,
    OrderNotPaid,
    TooManyReceipts,
    TooManySearches,
)
from storefront.fulfilment.downloads import list_downloads
from storefront.fulfilment.withdrawals import find_withdrawal, list_owed, read_right
from storefront.languages import gettext as _
from storefront.languages import ngettext, spoken_locale
from storefront.orders.models import Order, OrderStatus
from storefront.orders.pace import pace_since, this_second, whole
from storefront.orders.queries import find_order_by_token
from storefront.orders.quiet_polls import PRIVATE
from storefront.orders.status import is_processing
from storefront.web.htmx import wants_fragment
from storefront.web.problems import refuse_form

blueprint = Blueprint("orders", __name__)


@dataclass(frozen=True, slots=True)
class Polling:
    """How the page follows the order: since when, and how often from now on.

    `every`: seconds, None when it stops asking.
    """

    since: int
    every: int | None


@blueprint.get("/orders/<token>")
def page(token: str) -> ResponseReturnValue:
    """Show the order as it stands; while money is awaited, Stripe is asked too."""
    return _page(_followed(token), sent_again=request.args.get("sent") == "1")


@blueprint.get("/orders/<token>/status")
def status(token: str) -> ResponseReturnValue:
    """Answer a poll: 204 while nothing is new, else the region, and at the end
    without its trigger, which ends the polling in every version of htmx.
    """
    order = _followed(token)
    since, seen_every = whole(request.args.get("since")), request.args.get("every")
    polling = _polling(since, order)
    if polling.every is not None and str(polling.every) == seen_every:
        return _private(make_response("", 204))
    answer = make_response(
        render_template(
            "orders/_status.html",
            order=order,
            polling=polling,
            came_from=request.args.get("from"),
            **_facts(order),
        )
    )
    return _private(answer)


@blueprint.post("/orders/<token>/receipt")
def send_again(token: str) -> ResponseReturnValue:
    """Have the receipt sent once more, to where it went before."""
    order = _get(token)
    try:
        send_receipt_again(order.id)
    except OrderNotPaid:
        abort(404)
    except TooManyReceipts as error:
        answer = _copy(order, 429, trouble=_too_often(error.retry_after))
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    if wants_fragment():
        return _copy(order, 200, sent_again=True)
    return redirect(url_for("orders.page", token=token, sent=1), 303)


@blueprint.get("/find-my-order")
def find() -> ResponseReturnValue:
    """Ask for the e-mail address that somebody ordered with."""
    return _find(sent=request.args.get("sent") == "1")


@blueprint.post("/find-my-order")
def search() -> ResponseReturnValue:
    """Have the links sent there; say the same whether or not there are any."""
    typed = _typed_email()
    try:
        send_links(read_email(typed), request.remote_addr or "", spoken_locale())
    except FieldError as error:
        return _find(typed, fault=error.errors["email"]), _unless_fragment(422)
    except TooManySearches as error:
        trouble = _("Too many tries. Please try again in an hour.")
        wait = {"Retry-After": str(error.retry_after)}
        return _find(typed, trouble=trouble), _unless_fragment(429), wait
    if wants_fragment():
        return _find(sent=True)
    return redirect(url_for("orders.find", sent=1), 303)


@blueprint.errorhandler(CSRFError)
def reopen(error: CSRFError) -> ResponseReturnValue:
    """Open a form that was open too long once more, with what was typed."""
    trouble = _(
        "This page was open too long. Everything is still here: send it once more."
    )
    if request.endpoint == "orders.search":
        return _find(_typed_email(), trouble=trouble), _unless_fragment(400)
    token = (request.view_args or {}).get("token", "")
    order = find_order_by_token(token)
    if order is None or order.paid_at is None:
        return refuse_form(error)
    return _copy(order, 400, trouble=trouble)


def _page(
    order: Order, sent_again: bool = False, trouble: str | None = None
) -> Response:
    """Show the order's page.

    :param sent_again: its receipt. `trouble`: why not.
    """
    facts = _facts(order) | {"sent_again": sent_again, "trouble": trouble}
    html = render_template(
        "orders/page.html",
        order=order,
        polling=_polling(this_second(), order),
        came_from=request.args.get("from"),
        **facts,
    )
    return _private(make_response(html))


def _copy(
    order: Order, status: int, sent_again: bool = False, trouble: str | None = None
) -> Response:
    """Say what became of the receipt that was asked for again, in place or not."""
    answer = _page(order, sent_again, trouble)
    if wants_fragment():
        told = {"order": order, "sent_again": sent_again, "trouble": trouble}
        answer.set_data(render_template("orders/_resend.html", **told))
    answer.status_code = _unless_fragment(status)
    return answer


def _too_often(seconds: int) -> str:
    return ngettext(
        "It was sent three times within the hour. Please look among the unwanted "
        "mail, or try again in %(num)s minute.",
        "It was sent three times within the hour. Please look among the unwanted "
        "mail, or try again in %(num)s minutes.",
        ceil(seconds / 60),
    )


def _typed_email() -> str:
    return request.form.get("email", "").strip()


def _find(
    email: str = "",
    fault: str | None = None,
    trouble: str | None = None,
    sent: bool = False,
) -> str:
    name = "_find.html" if wants_fragment() else "find.html"
    return render_template(
        f"orders/{name}", email=email, fault=fault, trouble=trouble, sent=sent
    )


def _unless_fragment(status: int) -> int:
    # htmx 2 shows nothing of an answer that is called an error.
    return 200 if wants_fragment() else status


def _followed(token: str) -> Order:
    order = _get(token)
    if order.status is OrderStatus.PENDING and look_again(order):
        order = _get(token)
    return order


def _get(token: str) -> Order:
    order = find_order_by_token(token)
    if order is None:
        abort(404)
    return order


def _facts(order: Order) -> dict[str, object]:
    withdrawal = find_withdrawal(order.id) if order.paid_at else None
    return {
        "is_processing": is_processing([one.state for one in order.attempts]),
        "downloads": list_downloads(order, withdrawal),
        "withdrawal": withdrawal,
        "owed": list_owed(order, withdrawal),
        "right": read_right(order),
        "sent_again": False,
        "trouble": None,
    }


def _polling(since: int, order: Order) -> Polling:
    """Give the pace: none once the state is final, or a bank is at work for days."""
    waiting = order.status is OrderStatus.PENDING
    if not waiting or is_processing([one.state for one in order.attempts]):
        return Polling(since, None)
    return Polling(since, pace_since(since))


def _private(answer: Response) -> Response:
    answer.headers.update(PRIVATE)
    return answer
