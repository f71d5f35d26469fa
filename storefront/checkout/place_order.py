"""Placing an order: from what a customer wants to the page where it can be paid."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from storefront.catalog.queries import Offer, find_payable_offers
from storefront.checkout.limits import count_checkout
from storefront.checkout.models import CheckoutRequest
from storefront.checkout.open_payment import (
    begin_attempt,
    open_first_payment,
    open_payment,
)
from storefront.clock import iso
from storefront.errors import (
    CheckoutUnderWay,
    FieldError,
    KeyReused,
    OrderNotPayable,
    PaymentUnavailable,
)
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.amounts import check_payable, to_wire
from storefront.gateway.errors import AmountNotPayable
from storefront.languages import gettext as _
from storefront.orders.models import Order, OrderStatus, Provider
from storefront.orders.numbers import new_page_token, next_number
from storefront.texts.models import Consent
from storefront.transaction import transaction

MOST_OF_ONE = 20
# Longer than any call to Stripe may take: past it, whoever had the claim has died.
CLAIM = timedelta(seconds=15)


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


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """What the customer gets; the same again for the same key."""

    order_id: str
    number: str
    page_token: str
    status: str
    checkout_url: str | None
    currency: str
    total_amount: int
    expires_at: str


def place_order(purchase: Purchase, key: str, address: str) -> PlacedOrder:
    """Write the order down, have a payment page opened, say where it is.

    1. Take up the client's key: a finished answer is given again, a dead try is
    continued. 2. For a new key: count it against the rate, price it from the catalog,
    and commit the order as pending together with the parameters of its first attempt.
    3. Ask Stripe, with no transaction open. 4. Keep the answer under the key.

    Safe to repeat: the key makes one order, the attempt's own key one session.

    :param key: unique to this wish of this client, however often it is sent.
    :raises FieldError: unknown products, mixed currencies, totals Stripe refuses.
    :raises KeyReused: the key came before with another purchase.
    :raises CheckoutUnderWay: another request works on the same key.
    :raises TooManyCheckouts: more than the rate allows for this address.
    :raises PaymentUnavailable: Stripe gives no payment page now; the order waits.
    """
    taken = _take_up(key, purchase.fingerprint())
    reach("key taken up")
    if taken and taken.answer:
        return PlacedOrder(**taken.answer)
    order = taken.order if taken else _write_down(purchase, key, address)
    reach("order committed")
    try:
        checkout_url = open_payment(order.id) if taken else open_first_payment(order)
    except OrderNotPayable:
        checkout_url = None
    except PaymentUnavailable:
        _release(key)
        raise
    reach("before the answer is kept")
    return _answer(key, order, checkout_url)


def _take_up(key: str, fingerprint: str) -> CheckoutRequest | None:
    """Claim a key that came before, for as long as one call may take."""
    with transaction():
        found = db.session.execute(
            select(CheckoutRequest, CheckoutRequest.claimed_until > func.now())
            .where(CheckoutRequest.key == key)
            .with_for_update()
        ).one_or_none()
        if found is None:
            return None
        request, under_way = found
        if request.fingerprint != fingerprint:
            raise KeyReused(_("This key was used for another purchase."))
        if request.answer is None:
            if under_way:
                raise CheckoutUnderWay(_("This checkout is being worked on."))
            request.claimed_until = func.now() + CLAIM
        return request


def _write_down(purchase: Purchase, key: str, address: str) -> Order:
    with transaction():
        products = find_payable_offers(item for item, _quantity in purchase.items)
        total = _price(purchase, products)
    count_checkout(address)
    reach("checkout counted")
    with transaction():
        order = _new_order(purchase, products, total)
        reach("order written, not committed")
        claimed = db.session.execute(
            insert(CheckoutRequest)
            .values(
                key=key,
                fingerprint=purchase.fingerprint(),
                order_id=order.id,
                claimed_until=func.now() + CLAIM,
            )
            .on_conflict_do_nothing()
            .returning(CheckoutRequest.key)
        ).one_or_none()
        if claimed is None:
            # The same click came through another worker; its order is the one.
            raise CheckoutUnderWay(_("This checkout is being worked on."))
        return order


def _price(purchase: Purchase, products: dict[str, Offer]) -> int:
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
    quantities = _quantities(purchase)
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


def _quantities(purchase: Purchase) -> dict[str, int]:
    """Merge lines of one product."""
    quantities: dict[str, int] = {}
    for product_id, quantity in purchase.items:
        quantities[product_id] = quantities.get(product_id, 0) + quantity
    return quantities


def _new_order(purchase: Purchase, products: dict[str, Offer], total: int) -> Order:
    lines = [
        {
            "service_id": product_id,
            "quantity": quantity,
            "unit_amount": products[product_id].unit_amount,
            "name": products[product_id].name,
            "kind": products[product_id].kind.value,
            "next_steps": products[product_id].next_steps,
            "has_file": products[product_id].has_file,
        }
        for product_id, quantity in _quantities(purchase).items()
    ]
    order = Order(
        id=uuid4(),
        number=next_number(),
        page_token=new_page_token(),
        status=OrderStatus.PENDING,
        line_items=lines,
        currency=next(iter(products.values())).currency,
        total_amount=total,
        customer_email=purchase.email,
        customer_name=purchase.name,
        note=purchase.note,
        locale=purchase.locale,
        consent=purchase.consent if any(line["has_file"] for line in lines) else None,
        provider=Provider.STRIPE,
        # It is new: nobody need look in the database whether it has any.
        attempts=[],
        events=[],
    )
    countries = sorted({c for p in products.values() for c in p.shipping_countries})
    # Whole before it is written: one row each, and none is changed again.
    begin_attempt(order, countries)
    db.session.add(order)
    db.session.flush()
    return order


def _release(key: str) -> None:
    with transaction():
        _change(key, claimed_until=None)


def _answer(key: str, order: Order, checkout_url: str | None) -> PlacedOrder:
    with transaction():
        deadline: datetime = order.expires_at or order.created_at
        placed = PlacedOrder(
            order_id=str(order.id),
            number=order.number,
            page_token=order.page_token,
            status=order.status.value,
            checkout_url=checkout_url,
            currency=order.currency,
            total_amount=order.total_amount,
            expires_at=iso(deadline),
        )
        _change(key, answer=asdict(placed), claimed_until=None)
    reach("answer kept, not given")
    return placed


def _change(key: str, **values: Any) -> None:
    db.session.execute(
        update(CheckoutRequest).where(CheckoutRequest.key == key).values(**values)
    )
