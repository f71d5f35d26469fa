"""Sending a receipt again: to the order's own address, a few times an hour."""

from datetime import timedelta
from uuid import UUID

from storefront.errors import OrderNotPaid, TooManyReceipts
from storefront.letters.outbox import seconds_until_copy, write_receipt_again
from storefront.orders.service import lock_order
from storefront.transaction import transaction

# Whoever misses a letter tries, looks among the unwanted mail, and tries once more.
MOST_COPIES, WITHIN = 3, timedelta(hours=1)


def send_receipt_again(order_id: UUID) -> None:
    """Have a copy of the receipt sent to where the first one went.

    Transaction: the copies of the last hour are counted, and one is added, under the
    order's lock. As many clicks at once, over all processes, come to no more.

    :raises OrderNotPaid: there is no receipt yet.
    :raises TooManyReceipts: with the seconds until there may be another copy.
    """
    with transaction():
        order = lock_order(order_id)
        if order.paid_at is None:
            raise OrderNotPaid
        wait = seconds_until_copy(order, MOST_COPIES, WITHIN)
        if wait:
            raise TooManyReceipts(wait)
        write_receipt_again(order)
