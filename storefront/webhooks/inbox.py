"""The inbox: each event once, with its effects, in one transaction."""

from typing import Any

from flask import current_app
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError

from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import BodyUnusable
from storefront.settings import current_settings
from storefront.transaction import transaction
from storefront.webhooks.handlers import HANDLERS
from storefront.webhooks.models import StripeEvent

APPLIED, IGNORED, UNUSABLE = "applied", "ignored", "unusable"


def receive(event: dict[str, Any]) -> str | None:
    """Take in one verified event; give its outcome, None for a repeated one.

    Transaction: the event's row and everything that follows from it, or nothing.
    Safe to repeat, also at the same moment: the second delivery waits for the first
    one's row, and finds it done. An event that failed before is tried again.

    :raises OrderUnknown: as the handlers; Stripe has to come again.
    """
    try:
        with transaction():
            if not _is_new(event):
                return None
            reach("event written down")
            outcome = _apply(event)
            _note(event, outcome=outcome, error=None)
            reach("event applied, not committed")
        reach("event applied, not answered")
        return outcome
    except (DataError, RecursionError):
        # What Postgres does not hold, such as NUL, or a maze of lists.
        return _keep_unstorable(event)
    except Exception as error:
        # The effects are gone with the transaction; that it failed must not be.
        with transaction():
            _is_new(event)
            # Without what Postgres adds: that may hold the row, and people's names.
            _note(event, error=f"{type(error).__name__}: {error}".split("\n")[0][:500])
        raise


def _keep_unstorable(event: dict[str, Any]) -> str:
    bare = {"id": event["id"], "type": event["type"]}
    with transaction():
        _is_new(bare)
        _note(bare, outcome=_unusable(bare, "it holds text that cannot be stored."))
    return UNUSABLE


def _is_new(event: dict[str, Any]) -> bool:
    """Insert the event's row, or take an unfinished one; False if it is done."""
    statement = insert(StripeEvent).values(
        id=event["id"], type=event["type"], payload=event
    )
    return (
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=[StripeEvent.id],
                set_={"deliveries": StripeEvent.deliveries + 1},
                where=StripeEvent.outcome.is_(None),
            ).returning(StripeEvent.id)
        ).one_or_none()
        is not None
    )


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
