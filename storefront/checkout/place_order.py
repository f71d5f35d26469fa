"""Placing an order: from what a customer wants to the page where it can be paid."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from storefront.catalog.queries import Offer, find_payable_offers
from storefront.checkout.limits import count_checkout
from storefront.checkout.models import CheckoutRequest
from storefront.checkout.open_payment import (
    begin_attempt,
    open_first_session,
    open_payment,
)
from storefront.checkout.purchase import Purchase, price_of
from storefront.clock import iso
from storefront.errors import (
    CheckoutUnderWay,
    KeyReused,
    OrderNotPayable,
    PaymentUnavailable,
)
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.glance import glance, single_trip
from storefront.languages import gettext as _
from storefront.orders import service
from storefront.orders.models import Order, OrderStatus, Provider
from storefront.orders.numbers import new_page_token, next_number, spell
from storefront.transaction import transaction

# Longer than any call to Stripe may take: past it, whoever had the claim has died.
CLAIM = timedelta(seconds=15)
# A number that is not used after all is none that anybody misses.
LOOK = """
    SELECT now(), nextval('order_number_seq'),
        (SELECT version FROM catalog_versions),
        EXISTS (SELECT FROM checkout_requests WHERE key = %(key)s)
"""
CLAIM_KEY = """
    INSERT INTO checkout_requests (key, fingerprint, order_id, claimed_until)
    VALUES (%(key)s, %(fingerprint)s, %(order)s, now() + %(claim)s);
"""
KEEP_ANSWER = """
    UPDATE checkout_requests SET answer = %(answer)s, claimed_until = NULL
    WHERE key = %(key)s;
"""
RELEASE = "UPDATE checkout_requests SET claimed_until = NULL WHERE key = %(key)s"


@dataclass(frozen=True, slots=True)
class _Standing:
    """How things stand when a checkout begins. `now`: by the database's clock."""

    now: datetime
    number_count: int
    catalog_version: str | None
    key_is_known: bool


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

    1. Look whether the client's key came before: then a finished answer is given
    again, and a dead try continued. 2. For a new key: price it from the catalog, count
    it against the rate, and commit the order as pending together with the parameters
    of its first attempt. 3. Ask Stripe, with no transaction open. 4. Keep the answer
    under the key.

    Safe to repeat: the key makes one order, the attempt's own key one session.

    :param key: unique to this wish of this client, however often it is sent.
    :raises FieldError: unknown products, mixed currencies, totals Stripe refuses.
    :raises KeyReused: the key came before with another purchase.
    :raises CheckoutUnderWay: another request works on the same key.
    :raises TooManyCheckouts: more than the rate allows for this address.
    :raises PaymentUnavailable: Stripe gives no payment page now; the order waits.
    """
    standing = _look(key)
    reach("key looked up")
    if standing.key_is_known:
        return _go_on(purchase, key)
    order = _write_down(purchase, key, address, standing)
    reach("order committed")
    with _released_on_failure(key):
        session = open_first_session(order)
    placed = _answer(order, session.url)
    single_trip(
        service.KEEP + KEEP_ANSWER,
        **service.kept(order.id, order.attempts[0].id, session.id),
        **_kept(key, placed),
    )
    reach("answer kept, not given")
    return placed


def _look(key: str) -> _Standing:
    row = glance(LOOK, key=key)
    assert row is not None  # noqa: S101 - it has no condition
    return _Standing(*row)


def _go_on(purchase: Purchase, key: str) -> PlacedOrder:
    """Give the answer that the key had, or go on from where its last try has died."""
    taken = _take_up(key, purchase.fingerprint())
    reach("key taken up")
    if taken.answer:
        return PlacedOrder(**taken.answer)
    with _released_on_failure(key):
        try:
            checkout_url = open_payment(taken.order.id)
        except OrderNotPayable:
            checkout_url = None
    reach("before the answer is kept")
    with transaction():
        # What became of it meanwhile is read anew.
        placed = _answer(taken.order, checkout_url)
    single_trip(KEEP_ANSWER, **_kept(key, placed))
    reach("answer kept, not given")
    return placed


def _kept(key: str, placed: PlacedOrder) -> dict[str, str]:
    return {"key": key, "answer": json.dumps(asdict(placed))}


def _take_up(key: str, fingerprint: str) -> CheckoutRequest:
    """Claim a key that came before, for as long as one call may take."""
    with transaction():
        request, under_way = db.session.execute(
            select(CheckoutRequest, CheckoutRequest.claimed_until > func.now())
            .where(CheckoutRequest.key == key)
            .with_for_update()
        ).one()
        if request.fingerprint != fingerprint:
            raise KeyReused(_("This key was used for another purchase."))
        if request.answer is None:
            if under_way:
                raise CheckoutUnderWay(_("This checkout is being worked on."))
            request.claimed_until = func.now() + CLAIM
        return request


def _write_down(
    purchase: Purchase, key: str, address: str, standing: _Standing
) -> Order:
    """Commit a new order with all that belongs to it.

    :raises CheckoutUnderWay: the same click came through another worker first.
    """
    with transaction():
        items = (item for item, _quantity in purchase.items)
        products = find_payable_offers(items, standing.catalog_version)
    total = price_of(purchase, products)
    count_checkout(address)
    reach("checkout counted")
    claim = {"key": key, "fingerprint": purchase.fingerprint(), "claim": CLAIM}
    number = spell(standing.number_count)
    while True:
        order = _new_order(purchase, products, total, number, standing.now)
        try:
            single_trip(
                service.WRITE_DOWN + CLAIM_KEY, **service.written(order), **claim
            )
            return order
        except IntegrityError as error:
            number = _another_number(error)


def _another_number(error: IntegrityError) -> str:
    """Give a number in place of one that an order has already.

    Orders that came back after a backup was restored have theirs from before.
    """
    constraint = error.orig.diag.constraint_name  # type: ignore[union-attr]
    if constraint == "pk_checkout_requests":
        # The same click came through another worker; its order is the one.
        raise CheckoutUnderWay(_("This checkout is being worked on.")) from error
    if constraint != "uq_orders_number":
        raise error
    with transaction():
        return next_number()


def _new_order(
    purchase: Purchase,
    products: dict[str, Offer],
    total: int,
    number: str,
    now: datetime,
) -> Order:
    """Make the order with its first attempt, for no session: it is written whole."""
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
        for product_id, quantity in purchase.quantities().items()
    ]
    order = Order(
        id=uuid7(),
        number=number,
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
    )
    countries = sorted({c for p in products.values() for c in p.shipping_countries})
    begin_attempt(order, countries, now)
    return order


@contextmanager
def _released_on_failure(key: str) -> Iterator[None]:
    """Let the next try go on at once where Stripe gave no payment page."""
    try:
        yield
    except PaymentUnavailable:
        single_trip(RELEASE, key=key)
        raise


def _answer(order: Order, checkout_url: str | None) -> PlacedOrder:
    deadline: datetime = order.expires_at or order.created_at
    return PlacedOrder(
        order_id=str(order.id),
        number=order.number,
        page_token=order.page_token,
        status=order.status.value,
        checkout_url=checkout_url,
        currency=order.currency,
        total_amount=order.total_amount,
        expires_at=iso(deadline),
    )
