"""Deliveries: who signed them, and whether they are events at all."""

import json
import time
from typing import Any

from stripe import SignatureVerificationError, WebhookSignature

from storefront.gateway.errors import BodyUnusable, ClocksDiffer, SignatureInvalid
from storefront.gateway.reading import is_identifier

# Stripe signs each try anew with the time of sending; its own libraries take 300 s.
TOLERANCE_SECONDS = 300


def read_delivery(
    body: bytes, header: str | None, secrets: tuple[str, ...]
) -> dict[str, Any]:
    """Give the event that was signed with any of our secrets within five minutes.

    Events are parsed plainly: StripeObjects would cost more than all the rest, and
    several hostile bodies make the SDK's own constructor raise other errors.

    :raises SignatureInvalid: unsigned or badly signed.
    :raises ClocksDiffer: well signed, but too long ago, or in the future.
    :raises BodyUnusable: signed, but no snapshot event with an id and a type.
    """
    try:
        text = body.decode()
        _verify(text, header or "", secrets)
    except UnicodeError as error:
        raise SignatureInvalid("The body is not UTF-8.") from error
    return _event(text)


def _verify(text: str, header: str, secrets: tuple[str, ...]) -> None:
    if not header.isascii():
        # The SDK's comparison raises TypeError on these.
        raise SignatureInvalid("The signature header is not ASCII.")
    if not any(_is_signed_with(secret, text, header) for secret in secrets):
        raise SignatureInvalid("No secret of ours has signed this.")
    age = _age(header)
    if abs(age) > TOLERANCE_SECONDS:
        raise ClocksDiffer(
            f"The clocks differ: this was signed {abs(age)} s "
            + ("ago." if age > 0 else "in the future.")
        )


def _is_signed_with(secret: str, text: str, header: str) -> bool:
    try:
        # No tolerance here: the SDK looks only for old timestamps (16.1.0,
        # _webhook.py), and would not say which of the two is wrong.
        WebhookSignature.verify_header(text, header, secret, tolerance=None)
    except (SignatureVerificationError, ValueError):
        return False
    return True


def _age(header: str) -> int:
    """Give how many seconds ago a delivery was signed; below zero: in the future."""
    try:
        (stamp,) = [part[2:] for part in header.split(",") if part.startswith("t=")]
        return int(time.time()) - int(stamp)
    except ValueError as error:
        raise SignatureInvalid("The signature has no one timestamp.") from error


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BodyUnusable("The body is not JSON.") from error
    if not isinstance(event, dict) or event.get("object", "event") != "event":
        raise BodyUnusable("The body is no event.")
    if not all(is_identifier(event.get(name)) for name in ("id", "type")):
        raise BodyUnusable("The event has no id or no type.")
    return event
