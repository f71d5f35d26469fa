"""Comparing our books with Stripe's, without changing either."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storefront.checkout.door import gateway
from storefront.checkout.whose import find_order_meant
from storefront.extensions import db
from storefront.gateway.port import Page, PaymentSeen, RefundSeen, Thing
from storefront.orders.models import Order, Refund, RefundState
from storefront.orders.queries import find_order, find_order_id
from storefront.orders.status import standing
from storefront.transaction import end_reading


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two books tell differently. Amounts: minor units.

    `here`, `there`: what each book has, None where it has nothing of the kind.
    """

    what: str
    subject: str
    order_number: str | None
    currency: str
    here: int | None
    there: int | None


def compare_books(since: datetime, until: datetime) -> Iterator[Difference]:
    """Tell what differs among payments and refunds made within a window.

    :raises GatewayUnavailable: Stripe does not answer.
    """
    collected: set[str] = set()
    for payment in _all(gateway().list_charges, since, until):
        collected.add(payment.id)
        yield from _compare_payment(payment)
    for refund in _all(gateway().list_new_refunds, since, until):
        yield from _compare_refund(refund)
    for order in _orders_paid(since, until):
        if order.provider_payment_intent_id not in collected:
            yield Difference(
                "paid here, not there",
                order.provider_session_id or str(order.id),
                order.number,
                order.currency,
                order.total_amount,
                None,
            )


def _all(
    list_page: Callable[[datetime, datetime, str | None], Page[Thing]],
    since: datetime,
    until: datetime,
) -> Iterator[Thing]:
    after: str | None = None
    while True:
        end_reading()
        page = list_page(since, until, after)
        yield from page.things
        after = page.after
        if after is None:
            return


def _compare_payment(payment: PaymentSeen) -> Iterator[Difference]:
    order_id = find_order_meant(payment)
    if order_id is None:
        return
    order = find_order(order_id)
    if order is None or order.provider_payment_intent_id != payment.id:
        yield Difference(
            "paid there, not here",
            payment.id,
            order.number if order else None,
            payment.currency,
            None,
            payment.amount,
        )
    elif (order.total_amount, order.currency) != (payment.amount, payment.currency):
        yield Difference(
            "another amount",
            payment.id,
            order.number,
            payment.currency,
            order.total_amount,
            payment.amount,
        )


def _compare_refund(refund: RefundSeen) -> Iterator[Difference]:
    order_id = find_order_id(payment_intent_id=refund.payment_intent_id)
    order = find_order(order_id) if order_id else None
    if order is None:
        return
    known = db.session.get(Refund, refund.id)
    here = standing(known.state, known.amount) if known else None
    there = refund.amount if refund.state == RefundState.SUCCEEDED.value else 0
    if (here or 0) != there:
        yield Difference(
            "another refund", refund.id, order.number, refund.currency, here, there
        )


def _orders_paid(since: datetime, until: datetime) -> list[Order]:
    return list(
        db.session.scalars(select(Order).where(Order.paid_at.between(since, until)))
    )
