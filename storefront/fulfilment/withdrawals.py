"""The right to withdraw: what of an order it covers, and the statement that uses it.

Directive 2011/83/EU, article 11a, as 2023/2673 has put it in: a function on the order's
page for as long as the right lasts, a statement, and a second press that sends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select

from storefront.catalog.models import ProductKind
from storefront.extensions import TIMESTAMP, db
from storefront.fulfilment.models import Delivery, Withdrawal
from storefront.languages import gettext as _
from storefront.orders.models import Order, OrderStatus
from storefront.web.filters import when

# Fourteen days from the contract, and a week more: the last day lasts until midnight
# wherever the customer is, and none that ends on a weekend or a holiday is the last
# (Regulation 1182/71, article 3(4)).
AFTER_PAYING = timedelta(days=14 + 7)
# Fourteen days from the parcel's arrival, which only the customer knows. No yearly
# edition is longer on its way than a year, even where it was ordered before it was
# printed; whether a late statement came in time is for the studio to say.
AFTER_PAYING_IF_POSTED = timedelta(days=365)

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a customer states. `email`: where the confirmation goes."""

    name: str
    email: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A file whose delivery began, which ended the right to withdraw from it."""

    name: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Right:
    """What can be withdrawn from now.

    `covered`: lines of the order; none once all went back. `ended`: what it has ended
    for. `is_open`: there is something covered, and time.
    """

    covered: Sequence[Line]
    ended: Sequence[Ended]
    is_open: bool


def find_withdrawal(order_id: UUID) -> Withdrawal | None:
    """Find the statement of an order."""
    return db.session.get(Withdrawal, order_id)


def read_right(order: Order) -> Right:
    """Tell what of an order can be withdrawn from, by the database's clock."""
    if order.status is not OrderStatus.PAID or order.paid_at is None:
        return Right((), (), is_open=False)
    begun = _begun(order)
    lines = order.line_items
    covered = [line for line in lines if line["service_id"] not in begun]
    ended = [
        Ended(line["name"], begun[line["service_id"]])
        for line in lines
        if line["service_id"] in begun
    ]
    posted = any(map(_is_posted, covered))
    ends_at = order.paid_at + (AFTER_PAYING_IF_POSTED if posted else AFTER_PAYING)
    return Right(covered, ended, is_open=bool(covered) and _is_ahead(ends_at))


def draft(order: Order, right: Right, statement: Statement) -> Withdrawal:
    """Write a statement about an order, to be looked at or kept."""
    return Withdrawal(
        order_id=order.id,
        name=statement.name,
        email=statement.email,
        reason=statement.reason,
        line_items=[
            {
                "service_id": line["service_id"],
                "name": line["name"],
                "quantity": line["quantity"],
                "is_posted": _is_posted(line),
            }
            for line in right.covered
        ],
    )


def list_owed(order: Order, withdrawal: Withdrawal | None) -> list[Line]:
    """List the lines of an order that no statement has given back."""
    return [
        line
        for line in order.line_items
        if not (withdrawal and withdrawal.covers(line["service_id"]))
    ]


def list_statement(order: Order, withdrawal: Withdrawal) -> list[tuple[str, str]]:
    """List what a statement says, name by name, in the language that is spoken."""
    told = [
        (_("For"), name_lines(withdrawal.line_items)),
        (_("Order number"), order.number),
        (_("Ordered on"), when(order.created_at)),
        (_("Name"), withdrawal.name),
        (_("Confirmation to"), withdrawal.email),
        (_("Reason"), withdrawal.reason or ""),
        (_("Sent on"), when(withdrawal.stated_at) if withdrawal.stated_at else ""),
    ]
    return [(name, value) for name, value in told if value]


def name_lines(lines: Sequence[Line]) -> str:
    """Name what was bought, in one line."""
    return ", ".join(
        (f"{line['quantity']} \N{MULTIPLICATION SIGN} " if line["quantity"] > 1 else "")
        + line["name"]
        for line in lines
    )


def _begun(order: Order) -> dict[str, datetime]:
    """Give since when files are out that the order's consent is about."""
    if order.consent is None:
        # Nobody has said that the right would end: it does not.
        return {}
    deliveries = db.session.scalars(
        select(Delivery).where(Delivery.order_id == order.id)
    )
    return {one.product_id: one.begun_at for one in deliveries}


def _is_posted(line: Line) -> bool:
    # What is no file and no session is on paper.
    return line["kind"] == ProductKind.ALMANAC and not line.get("has_file")


def _is_ahead(moment: datetime) -> bool:
    return bool(db.session.scalar(select(func.now() < literal(moment, TIMESTAMP))))
