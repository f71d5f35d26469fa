"""The inbox: each event once, with its effects, in one transaction."""

import json
import time
from collections.abc import Callable
from typing import Any

from flask import current_app
from sqlalchemy import update
from sqlalchemy.exc import DataError

from storefront.checkout.pay_at_once import is_counted, pay_at_once
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import BodyUnusable
from storefront.gateway.port import PaymentSeen, SessionSeen
from storefront.gateway.reading import read_payment, read_session
from storefront.glance import glance, single_trip
from storefront.settings import current_settings
from storefront.transaction import transaction
from storefront.webhooks.handlers import HANDLERS, SOURCE
from storefront.webhooks.models import StripeEvent

APPLIED, IGNORED, UNUSABLE = "applied", "ignored", "unusable"
# Stripe delivers at once, and again after minutes or hours, with the same `created`
# (docs.stripe.com/webhooks, "Automatic retries").
AT_ONCE_SECONDS = 30
# What tells of money that has arrived.
READERS: dict[str, Callable[[dict[str, Any]], SessionSeen | PaymentSeen]] = {
    "checkout.session.completed": read_session,
    "payment_intent.succeeded": read_payment,
}
# For every delivery: written out, they need not be put together each time.
DONE = "SELECT FROM stripe_events WHERE id = %(id)s AND outcome IS NOT NULL"
WRITE = """
    INSERT INTO stripe_events (id, type, payload, outcome)
    VALUES (%(id)s, %(type)s, %(payload)s, %(outcome)s)
"""
WRITE_IF_PAID = """
    INSERT INTO stripe_events (id, type, payload, outcome)
    SELECT %(id)s, %(type)s, %(payload)s, %(outcome)s FROM orders
    WHERE provider_session_id = %(session)s AND paid_at = now()
"""
# An event that failed before is there, and is not done.
UNLESS_DONE = """
    ON CONFLICT (id) DO UPDATE
    SET deliveries = stripe_events.deliveries + 1, outcome = excluded.outcome,
        error = NULL
    WHERE stripe_events.outcome IS NULL
    RETURNING id
"""


def receive(event: dict[str, Any]) -> str | None:
    """Take in one verified event; give its outcome, None for a repeated one.

    Transaction: the event's row and everything that follows from it, or nothing.
    Safe to repeat, also at the same moment: the second delivery waits for the first
    one's row, and finds it done. An event that failed before is tried again.

    :raises OrderUnknown: as the handlers; Stripe has to come again.
    """
    if _may_be_repeated(event) and glance(DONE, id=event["id"]) is not None:
        return None
    try:
        if _is_taken_at_once(event):
            reach("taken in at once, not answered")
            return APPLIED
        with transaction():
            # With the outcome that most have: then it need not be noted.
            if not _is_new(event, APPLIED):
                return None
            reach("event written down")
            outcome = _apply(event)
            if outcome != APPLIED:
                _note(event, outcome=outcome)
            reach("event applied, not committed")
        reach("event applied, not answered")
        return outcome
    except (DataError, RecursionError):
        # What Postgres does not hold, such as NUL, or a maze of lists.
        return _keep_unstorable(event)
    except Exception as error:
        # The effects are gone with the transaction; that it failed must not be.
        with transaction():
            _is_new(event, None)
            # Without what Postgres adds: that may hold the row, and people's names.
            _note(event, error=f"{type(error).__name__}: {error}".split("\n")[0][:500])
        raise


def _may_be_repeated(event: dict[str, Any]) -> bool:
    """Tell whether to look first, lest a repeated event waits for its order's lock.

    A new one is spared the look; if it came twice at once, its row tells.
    """
    created = event.get("created")
    return not isinstance(created, int) or time.time() - created > AT_ONCE_SECONDS


def _is_taken_at_once(event: dict[str, Any]) -> bool:
    """Take in what most events are: a plain payment, or one that is in the books.

    The latter of the two that Stripe sends, or what a page has asked about before.
    """
    news = _read(event)
    if news is None:
        return False
    row = _row(event, APPLIED)
    if isinstance(news, SessionSeen):
        note = WRITE_IF_PAID + UNLESS_DONE
        if pay_at_once(news, SOURCE, note, **row):
            return True
    return is_counted(news) and single_trip(WRITE + UNLESS_DONE, **row) is not None


def _read(event: dict[str, Any]) -> SessionSeen | PaymentSeen | None:
    """Read what an event tells; None for what has to be looked at more closely."""
    read = READERS.get(event["type"])
    if read is None or _is_of_another_world(event):
        return None
    try:
        return read(event["data"]["object"])
    except (BodyUnusable, AttributeError, KeyError, TypeError):
        return None


def _keep_unstorable(event: dict[str, Any]) -> str:
    bare = {"id": event["id"], "type": event["type"]}
    with transaction():
        _is_new(bare, None)
        _note(bare, outcome=_unusable(bare, "it holds text that cannot be stored."))
    return UNUSABLE


def _is_new(event: dict[str, Any], outcome: str | None) -> bool:
    """Insert the event's row, or take an unfinished one; False if it is done."""
    row = db.session.connection().exec_driver_sql(
        WRITE + UNLESS_DONE, _row(event, outcome)
    )
    return row.one_or_none() is not None


def _row(event: dict[str, Any], outcome: str | None) -> dict[str, str | None]:
    return {
        "id": event["id"],
        "type": event["type"],
        "payload": json.dumps(event),
        "outcome": outcome,
    }


def _apply(event: dict[str, Any]) -> str:
    handler = HANDLERS.get(event["type"])
    if handler is None or _is_of_another_world(event):
        return IGNORED
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        return _unusable(event, "data.object is missing.")
    try:
        return APPLIED if handler(thing) else IGNORED
    except BodyUnusable as error:
        return _unusable(event, str(error))


def _is_of_another_world(event: dict[str, Any]) -> bool:
    """Tell whether it is of a connected account, or of the other mode than ours."""
    livemode = event.get("livemode") is True
    return bool(event.get("account")) or livemode != current_settings().livemode


def _unusable(event: dict[str, Any], why: str) -> str:
    # Repeating it would not mend it: it is kept for the owner and answered 200.
    current_app.logger.error("unusable event %s: %s", event["id"], why)
    return UNUSABLE


def _note(event: dict[str, Any], **values: Any) -> None:
    db.session.execute(
        update(StripeEvent).where(StripeEvent.id == event["id"]).values(**values)
    )
