"""What letters are written from, read for a batch at once and then left alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from storefront.catalog.models import Seller
from storefront.catalog.queries import find_seller
from storefront.extensions import db
from storefront.fulfilment.models import Withdrawal
from storefront.letters.models import Letter, LetterKind
from storefront.orders.models import Matter, Order, Refund
from storefront.orders.queries import list_orders_of, list_refunds
from storefront.transaction import end_reading


@dataclass(frozen=True, slots=True)
class Facts:
    """A letter's row, and what it tells of.

    `refunds`: those that `amount_refunded` holds. `found`: the orders of whoever asked
    for them. `withdrawal`: the statement about the order. All of it is cut off from the
    database, which is asked nothing more.
    """

    letter: Letter
    order: Order | None
    refunds: Sequence[Refund]
    seller: Seller | None
    matter: Matter | None
    found: Sequence[Order]
    withdrawal: Withdrawal | None


def read_facts(letter_ids: Sequence[UUID]) -> list[Facts]:
    """Read the facts of letters, in this order: a few questions for all of them.

    :raises RuntimeError: inside a transaction.
    """
    letters = _by_id(letter_ids)
    orders = _orders(letters.values())
    refunds = _refunds(orders.values())
    withdrawals = _withdrawals(orders)
    seller = find_seller()
    facts = [
        Facts(
            letter=letter,
            order=orders.get(letter.order_id) if letter.order_id else None,
            refunds=refunds.get(letter.order_id, ()) if letter.order_id else (),
            seller=seller,
            matter=_matter(letter),
            found=_found(letter),
            withdrawal=withdrawals.get(letter.order_id) if letter.order_id else None,
        )
        for letter in map(letters.__getitem__, letter_ids)
    ]
    db.session.expunge_all()
    end_reading()
    return facts


def _by_id(letter_ids: Sequence[UUID]) -> dict[UUID, Letter]:
    letters = db.session.scalars(select(Letter).where(Letter.id.in_(letter_ids)))
    return {letter.id: letter for letter in letters}


def _orders(letters: Iterable[Letter]) -> dict[UUID, Order]:
    wanted = {letter.order_id for letter in letters if letter.order_id}
    orders = db.session.scalars(
        select(Order).where(Order.id.in_(wanted)).options(selectinload(Order.attempts))
    )
    return {order.id: order for order in orders}


def _refunds(orders: Iterable[Order]) -> dict[UUID, list[Refund]]:
    """Give each order's refunds that are counted, oldest first."""
    order_of = {
        attempt.provider_payment_intent_id: order.id
        for order in orders
        for attempt in order.attempts
        if attempt.provider_payment_intent_id
    }
    refunds: dict[UUID, list[Refund]] = {}
    for refund in list_refunds(list(order_of)):
        if refund.counted_amount:
            order_id = order_of[refund.provider_payment_intent_id]
            refunds.setdefault(order_id, []).append(refund)
    return refunds


def _withdrawals(order_ids: Iterable[UUID]) -> dict[UUID, Withdrawal]:
    stated = db.session.scalars(
        select(Withdrawal).where(Withdrawal.order_id.in_(order_ids))
    )
    return {one.order_id: one for one in stated}


def _matter(letter: Letter) -> Matter | None:
    if letter.kind is not LetterKind.ATTENTION:
        return None
    return db.session.get_one(Matter, UUID(letter.cause))


def _found(letter: Letter) -> Sequence[Order]:
    if letter.kind is not LetterKind.ORDERS_FOUND:
        return ()
    return list_orders_of(letter.recipient)
