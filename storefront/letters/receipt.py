"""The receipt of an order as a file, for its letter and for its page."""

from dataclasses import dataclass

from storefront.catalog.queries import find_seller
from storefront.orders.models import Order
from storefront.orders.queries import list_counted_refunds
from storefront.settings import current_settings
from storefront.web.filters import absolute_url


@dataclass(frozen=True, slots=True)
class Receipt:
    """A PDF with the name that it is saved under."""

    name: str
    content: bytes


def make_receipt(order: Order) -> Receipt | None:
    """Make the receipt in the language that is spoken; None before it is paid."""
    if order.paid_at is None:
        return None
    # Not at the top: what draws takes a fifth of the time in which the shop starts.
    from storefront.letters.receipt_pdf import draw_receipt

    settings = current_settings()
    content = draw_receipt(
        order,
        list_counted_refunds(order),
        find_seller(),
        settings.shop_name,
        absolute_url(settings, "orders.page", token=order.page_token),
    )
    studio = "".join(sign if sign.isalnum() else "-" for sign in settings.shop_name)
    return Receipt(f"{studio}-{order.number}.pdf", content)
