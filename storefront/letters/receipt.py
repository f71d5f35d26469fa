"""The receipt of an order as a file, for its letter and for its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from storefront.catalog.models import Seller
from storefront.orders.models import Order, Refund
from storefront.settings import current_settings
from storefront.web.filters import absolute_url


@dataclass(frozen=True, slots=True)
class Receipt:
    """A PDF with the name that it is saved under."""

    name: str
    content: bytes


def make_receipt(
    order: Order, refunds: Sequence[Refund], seller: Seller | None
) -> Receipt | None:
    """Make the receipt in the language that is spoken; None before it is paid.

    :param refunds: those that `amount_refunded` holds, oldest first.
    """
    if order.paid_at is None:
        return None
    # Not at the top: what draws takes a fifth of the time in which the shop starts.
    from storefront.letters.receipt_pdf import draw_receipt

    settings = current_settings()
    content = draw_receipt(
        order,
        refunds,
        seller,
        settings.shop_name,
        absolute_url(settings, "orders.page", token=order.page_token),
    )
    studio = "".join(sign if sign.isalnum() else "-" for sign in settings.shop_name)
    return Receipt(f"{studio}-{order.number}.pdf", content)
