"""What a customer wants, and what the catalog asks for it."""

import hashlib
import json
from dataclasses import asdict, dataclass

from storefront.catalog.queries import Offer
from storefront.errors import FieldError
from storefront.gateway.amounts import check_payable, to_wire
from storefront.gateway.errors import AmountNotPayable
from storefront.languages import gettext as _
from storefront.texts.models import Consent

MOST_OF_ONE = 20


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a customer wants, already in good form. `items`: product id, quantity."""

    items: tuple[tuple[str, int], ...]
    email: str
    name: str
    note: str | None
    locale: str
    consent: Consent | None = None

    def fingerprint(self) -> str:
        """Tell two purchases under one key apart."""
        wishes = asdict(self)
        if self.consent is None:
            # As it was before there were consents: keys outlive an update.
            del wishes["consent"]
        text = json.dumps(wishes, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def quantities(self) -> dict[str, int]:
        """Give how many of each product, lines of one product together."""
        quantities: dict[str, int] = {}
        for product_id, quantity in self.items:
            quantities[product_id] = quantities.get(product_id, 0) + quantity
        return quantities


def price_of(purchase: Purchase, products: dict[str, Offer]) -> int:
    """Add up what the catalog asks, in minor units.

    :raises FieldError: if this cannot be bought together, or not at all.
    """
    errors = {
        f"items.{place}.service_id": _("This product is not, or no longer, for sale.")
        for place, (product_id, _quantity) in enumerate(purchase.items)
        if product_id not in products
    }
    if errors:
        raise FieldError(errors)
    currencies = {product.currency for product in products.values()}
    if len(currencies) > 1:
        raise FieldError({"items": _("One order holds one currency only.")})
    quantities = purchase.quantities()
    if any(quantity > MOST_OF_ONE for quantity in quantities.values()):
        most = _("At most %(most)s of one product.", most=MOST_OF_ONE)
        raise FieldError({"items": most})
    total = sum(products[item].unit_amount * n for item, n in quantities.items())
    currency = currencies.pop()
    try:
        for product in products.values():
            # Stripe multiplies: the price alone has to be one that it can express.
            to_wire(product.unit_amount, currency)
        check_payable(total, currency)
    except AmountNotPayable as error:
        raise FieldError({"items": str(error)}) from error
    return total
