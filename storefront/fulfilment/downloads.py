"""Files that a paid order may download."""

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from storefront.catalog.models import ProductFile
from storefront.catalog.queries import find_file
from storefront.extensions import db
from storefront.fulfilment.models import Delivery, Withdrawal
from storefront.fulfilment.withdrawals import find_withdrawal, list_owed
from storefront.orders.models import Order, OrderStatus
from storefront.orders.service import lock_order
from storefront.transaction import transaction


@dataclass(frozen=True, slots=True)
class Download:
    """One file of an order."""

    product_id: str
    name: str


def list_downloads(order: Order, withdrawal: Withdrawal | None) -> list[Download]:
    """List what may be downloaded now: after paying, until all of it is refunded.

    :param withdrawal: that of the order; what it covers is given back.
    """
    if order.status is not OrderStatus.PAID:
        return []
    return [
        Download(line["service_id"], line["name"])
        for line in list_owed(order, withdrawal)
        if line.get("has_file")
    ]


def find_download(order: Order, product_id: str) -> ProductFile | None:
    """Find the file of an order, if it may be downloaded now."""
    downloads = list_downloads(order, find_withdrawal(order.id))
    allowed = {download.product_id for download in downloads}
    return find_file(product_id) if product_id in allowed else None


def hand_out(order: Order, product_id: str) -> ProductFile | None:
    """Give the file of an order to somebody, and keep when that was first done.

    With it the right to withdraw ends, if the customer had agreed to that.

    Transaction: under the order's lock, so that a statement of withdrawal comes before
    the delivery or after it, never beside it. Safe to repeat: the first moment stays.
    """
    if order.consent is None or db.session.get(Delivery, (order.id, product_id)):
        return find_download(order, product_id)
    with transaction():
        file = find_download(lock_order(order.id), product_id)
        if file:
            db.session.execute(
                insert(Delivery)
                .values(order_id=order.id, product_id=product_id)
                .on_conflict_do_nothing()
            )
    return file
