"""Writing letters down, in the transaction of the change that calls for them."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Text, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from storefront.extensions import db
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
