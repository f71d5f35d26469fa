"""Writing letters down, in the transaction of the change that calls for them."""

from datetime import timedelta
from math import ceil
from typing import Any
from uuid import uuid4

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from storefront.extensions import db
from storefront.fulfilment.models import Withdrawal
from storefront.letters.models import Letter, LetterKind
from storefront.orders.models import Matter, Order
from storefront.orders.service import Change
from storefront.settings import current_settings


def write_letters(order: Order, change: Change) -> None:
    """Write what a change calls for, each letter once for its cause.

    The order: receipt and the owner's news, which says whether it had been given up.
    A refund: to the customer. A delayed payment that failed: to the customer.
    """
    customer, cause = order.customer_email, str(order.id)
    if change.became_paid:
        _write(LetterKind.RECEIPT, order, customer, cause)
        owner = current_settings().owner_email
        if owner:
            _write(LetterKind.NEW_ORDER, order, owner, cause, revived=change.revived)
    for refund in change.refunded:
        _write(
            LetterKind.REFUND,
            order,
            customer,
            refund.provider_refund_id,
            amount=refund.amount,
        )
    if change.failed:
        _write(LetterKind.PAYMENT_FAILED, order, customer, str(change.failed.id))


def _write(
    kind: LetterKind, order: Order, recipient: str, cause: str, **context: Any
) -> None:
    db.session.execute(
        insert(Letter)
        .values(
            kind=kind,
            cause=cause,
            order_id=order.id,
            recipient=recipient,
            context=context,
        )
        .on_conflict_do_nothing()
    )


def write_receipt_again(order: Order) -> None:
    """Write a copy of the receipt, to where the first one went."""
    _write(LetterKind.RECEIPT_AGAIN, order, order.customer_email, str(uuid4()))


def seconds_until_copy(order: Order, most: int, within: timedelta) -> int:
    """Give how long another copy of the receipt has to wait; 0 if it need not.

    By the database's clock, and by the letters themselves.
    """
    free_in = func.extract("epoch", Letter.created_at + within - func.now())
    wait = db.session.scalar(
        select(free_in)
        .where(
            Letter.order_id == order.id,
            Letter.kind == LetterKind.RECEIPT_AGAIN,
            Letter.created_at > func.now() - within,
        )
        .order_by(Letter.created_at.desc())
        .offset(most - 1)
        .limit(1)
    )
    return ceil(wait) if wait else 0


def write_withdrawal_letters(order: Order, withdrawal: Withdrawal) -> None:
    """Confirm a statement where it says, and at the order's address if that is another.

    Whoever ordered shall know, even if somebody else has got hold of the link.
    """
    kind, cause = LetterKind.WITHDRAWAL, str(order.id)
    _write(kind, order, withdrawal.email, cause)
    if withdrawal.email.lower() != order.customer_email.lower():
        _write(kind, order, order.customer_email, f"{cause}/ordered")


def write_orders_letter(recipient: str, locale: str) -> None:
    """Write a letter with somebody's orders; without any it will never be sent."""
    db.session.add(
        Letter(
            kind=LetterKind.ORDERS_FOUND,
            cause=str(uuid4()),
            recipient=recipient,
            context={"locale": locale},
        )
    )


def write_attention_letters() -> None:
    """Write to the owner about each open matter that no letter has told of yet."""
    owner = current_settings().owner_email
    if not owner:
        return
    told = select(Letter.id).where(
        Letter.kind == LetterKind.ATTENTION, Letter.cause == cast(Matter.id, Text)
    )
    matters = select(
        Matter.id,
        literal(LetterKind.ATTENTION, Letter.kind.type),
        cast(Matter.id, Text),
        Matter.order_id,
        literal(owner),
        literal({}, JSONB),
    ).where(Matter.settled_at.is_(None), ~told.exists())
    db.session.execute(
        insert(Letter)
        .from_select(
            ["id", "kind", "cause", "order_id", "recipient", "context"], matters
        )
        .on_conflict_do_nothing()
    )
