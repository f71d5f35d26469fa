"""Withdrawing from a contract: a statement, kept and told; no money moves by itself."""

from uuid import UUID

from storefront.errors import NothingToWithdraw
from storefront.extensions import db
from storefront.fulfilment.models import Withdrawal
from storefront.fulfilment.withdrawals import (
    Statement,
    draft,
    find_withdrawal,
    name_lines,
    read_right,
)
from storefront.letters.outbox import write_withdrawal_letters
from storefront.orders.history import raise_matter
from storefront.orders.models import Order
from storefront.orders.service import lock_order
from storefront.transaction import transaction


def withdraw(order_id: UUID, statement: Statement) -> None:
    """Keep a customer's statement, confirm it by letter, and tell the owner.

    Status and history stay as they are: they tell of money, which the studio pays back
    at Stripe.

    Transaction: statement, letters and matter, under the order's lock. Safe to repeat:
    the first statement stays, and nothing is written twice.

    :raises NothingToWithdraw: the right has ended, or there never was one.
    """
    with transaction():
        order = lock_order(order_id)
        if find_withdrawal(order.id):
            return
        right = read_right(order)
        if not right.is_open:
            raise NothingToWithdraw
        withdrawal = draft(order, right, statement)
        db.session.add(withdrawal)
        db.session.flush()
        write_withdrawal_letters(order, withdrawal)
        _tell_owner(order, withdrawal)


def _tell_owner(order: Order, withdrawal: Withdrawal) -> None:
    """Put it on the attention list, under the payment that is to be returned."""
    stated = {"name": withdrawal.name, "email": withdrawal.email}
    if withdrawal.reason:
        stated["reason"] = withdrawal.reason
    left = order.total_amount - order.amount_refunded
    raise_matter(
        "withdrawal",
        order.provider_payment_intent_id or order.number,
        order,
        withdrawn=name_lines(withdrawal.line_items),
        paid={"amount": order.total_amount, "currency": order.currency},
        refunded={"amount": order.amount_refunded, "currency": order.currency},
        refundable={"amount": left, "currency": order.currency},
        give_back_by=withdrawal.give_back_by.date().isoformat(),
        stated=stated,
    )
