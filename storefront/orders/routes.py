"""The customer's order page: one address, right in every state."""

import re
from dataclasses import dataclass

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from storefront.checkout.ask_stripe import look_again
from storefront.clock import now
from storefront.fulfilment.downloads import list_downloads
from storefront.orders.models import AttemptState, Order, OrderStatus
from storefront.orders.queries import find_order_by_token

blueprint = Blueprint("orders", __name__)

# Seconds since the page was opened, and how often it asks from there on: people look
# hard at first, and a tab that is left open must not ask for ever.
PACE = ((30, 2), (90, 5), (180, 15))


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
    order = _followed(token)
    came_from = request.args.get("from", "")
    polling = _polling(_seconds(), order)
    answer = make_response(
        render_template(
            "orders/page.html",
            order=order,
            polling=polling,
            came_from=came_from,
            **_facts(order),
        )
    )
    return _private(answer)


@blueprint.get("/orders/<token>/status")
def status(token: str) -> ResponseReturnValue:
    """Answer a poll: 204 while nothing is new, else the region, and at the end
    without its trigger, which ends the polling in every version of htmx.
    """
    order = _followed(token)
    since, seen_every = _whole(request.args.get("since")), request.args.get("every")
    polling = _polling(since, order)
    if polling.every is not None and str(polling.every) == seen_every:
        return _private(make_response("", 204))
    answer = make_response(
        render_template(
            "orders/_status.html",
            order=order,
            polling=polling,
            came_from=request.args.get("from", ""),
            **_facts(order),
        )
    )
    return _private(answer)


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
    return {
        "is_processing": order.status is OrderStatus.PENDING
        and order.attempts[-1].state is AttemptState.PROCESSING,
        "downloads": list_downloads(order),
    }


def _polling(since: int, order: Order) -> Polling:
    """Give the pace: none once the state is final, or a bank is at work for days."""
    waiting = order.status is OrderStatus.PENDING
    if not waiting or order.attempts[-1].state is AttemptState.PROCESSING:
        return Polling(since, None)
    return Polling(since, pace(_seconds() - since))


def pace(age: int) -> int | None:
    """Say how often a page asks that was opened so many seconds ago; None: no more."""
    return next((every for until, every in PACE if 0 <= age < until), None)


def _seconds() -> int:
    return int(now().timestamp())


def _whole(text: str | None) -> int:
    return int(text) if text and re.fullmatch("[0-9]{1,12}", text) else 0


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
