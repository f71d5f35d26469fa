"""What search engines read of a product: schema.org, in JSON."""

from typing import Any

from storefront.catalog.queries import Offer
from storefront.money import to_decimal

SCHEMA = "https://schema.org"


def product_data(
    product: Offer, address: str, picture: str, seller: str
) -> dict[str, Any]:
    """Describe a product with its price, which is the one that its page shows.

    :param address: of its page, in the language that is spoken.
    :param picture: where a picture of it can be had.
    """
    state = "OutOfStock" if product.pause_note else "InStock"
    return {
        "@context": SCHEMA,
        "@type": "Product",
        "name": product.name,
        "description": product.summary,
        "image": picture,
        "sku": product.id,
        "url": address,
        "brand": {"@type": "Brand", "name": seller},
        "offers": {
            "@type": "Offer",
            "url": address,
            "price": str(to_decimal(product.unit_amount, product.currency)),
            "priceCurrency": product.currency,
            "availability": f"{SCHEMA}/{state}",
            "seller": {"@type": "Organization", "name": seller},
        },
    }
