"""Writing letters down, in the transaction of the change that calls for them."""

from sqlalchemy import Text, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from storefront.extensions import db
from storefront.letters.models import Letter, LetterKind
from storefront.orders.models import Matter, Order
from storefront.settings import current_settings


def write_order_letters(order: Order, *, revived: bool) -> None:
    """Write the receipt, and the owner's news of the order; each once for an order.

    :param revived: the order had been given up, and the owner may have acted on that.
    """
    _write(LetterKind.RECEIPT, order, order.customer_email, {})
    owner = current_settings().owner_email
    if owner:
        _write(LetterKind.NEW_ORDER, order, owner, {"revived": revived})


def _write(
    kind: LetterKind, order: Order, recipient: str, context: dict[str, bool]
) -> None:
    db.session.execute(
        insert(Letter)
        .values(
            kind=kind,
            cause=str(order.id),
            order_id=order.id,
            recipient=recipient,
            context=context,
        )
        .on_conflict_do_nothing()
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
