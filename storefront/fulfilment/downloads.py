"""Files that a paid order may download."""

from dataclasses import dataclass

from storefront.catalog.models import ProductFile
from storefront.catalog.queries import find_file
from storefront.orders.models import Order, OrderStatus


@dataclass(frozen=True, slots=True)
class Download:
    """One file of an order."""

    product_id: str
    name: str


def list_downloads(order: Order) -> list[Download]:
    """List what may be downloaded now: after paying, until all of it is refunded."""
    if order.status is not OrderStatus.PAID:
        return []
    return [
        Download(line["service_id"], line["name"])
        for line in order.line_items
        if line.get("has_file")
    ]


def find_download(order: Order, product_id: str) -> ProductFile | None:
    """Find the file of an order, if it may be downloaded now."""
    allowed = {download.product_id for download in list_downloads(order)}
    return find_file(product_id) if product_id in allowed else None
