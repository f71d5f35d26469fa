"""Throwing away what has served: old events, keys, counters, searches and cards.

Letters stay with their orders, as our privacy text says: that a receipt was sent is
part of the books, and its row is what keeps a second one from being written.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select

from storefront.catalog.cards import Card
from storefront.checkout.models import CheckoutRequest, RateCounter
from storefront.extensions import Model, db
from storefront.letters.models import Letter, LetterKind
from storefront.transaction import transaction
from storefront.webhooks.models import StripeEvent

BATCH = 1000
# Stripe repeats events for three days, and people by hand for thirty.
KEEP_EVENTS = timedelta(days=90)
# Stripe's own keys live a day; a client's retry after a weekend still finds its order.
KEEP_KEYS = timedelta(days=3)
# As our privacy text says: whoever asked for orders need not be a customer.
KEEP_SEARCHES = timedelta(days=30)
# Who knows which are still shown? Those are drawn anew within the minute.
KEEP_CARDS = timedelta(days=90)


def prune(_: datetime, go_on: Callable[[], bool]) -> int:
    """Delete in small batches; give how many rows went. Safe to repeat."""
    gone = 0
    for model, key, is_old in (
        (StripeEvent, StripeEvent.id, StripeEvent.received_at < _ago(KEEP_EVENTS)),
        (
            CheckoutRequest,
            CheckoutRequest.key,
            CheckoutRequest.created_at < _ago(KEEP_KEYS),
        ),
        (RateCounter, RateCounter.key, RateCounter.expires_at < func.now()),
        (
            Letter,
            Letter.id,
            (Letter.kind == LetterKind.ORDERS_FOUND)
            & (Letter.created_at < _ago(KEEP_SEARCHES)),
        ),
        (Card, Card.name, Card.drawn_at < _ago(KEEP_CARDS)),
    ):
        while go_on() and (deleted := _delete(model, key, is_old)):
            gone += deleted
    return gone


def _ago(age: timedelta) -> ColumnElement[datetime]:
    return func.now() - age


def _delete(model: type[Model], key: object, is_old: ColumnElement[bool]) -> int:
    old = select(key).where(is_old).limit(BATCH)  # type: ignore[call-overload]
    with transaction():
        result = db.session.execute(
            delete(model).where(key.in_(old))  # type: ignore[attr-defined]
        )
    return int(result.rowcount)  # type: ignore[attr-defined]
