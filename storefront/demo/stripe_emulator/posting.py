"""One attempt to deliver: the body, its signature, and what the endpoint answered.

Stripe: Webhooks (docs webhooks): each attempt is signed with its own time; redirects
are not followed.
"""

from typing import NamedTuple

import requests

from .clock import real_now
from .signing import signature_header
from .state import JsonObject

KEPT_OF_ANSWER = 500
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Connection": "close",
}
WRONG_SECRET = "whsec_of_somebody_else"  # noqa: S105 - made to be wrong


class Parcel(NamedTuple):
    """What one attempt carries, and where to."""

    delivery: JsonObject
    url: str
    body: bytes
    secrets: list[str]
    # Seconds by which the signature's time is off.
    shift: int = 0


def spoil(parcel: Parcel, spoilers: list[JsonObject]) -> Parcel:
    """Give the parcel with what the faults of its delivery make of this attempt."""
    made = len(parcel.delivery["attempts"])
    for spoiler in spoilers:
        if made < spoiler["attempts"]:
            parcel = _spoiled(parcel, spoiler["do"], spoiler["seconds"])
    return parcel


def post(parcel: Parcel, timeout: float) -> JsonObject:
    """Make the attempt; give what came of it."""
    began = real_now()
    at = int(began) + parcel.shift
    signature = signature_header(parcel.body, parcel.secrets, at)
    outcome = _exchange(parcel, HEADERS | {"Stripe-Signature": signature}, timeout)
    return {"at": int(began), "seconds": round(real_now() - began, 3), **outcome}


def is_success(attempt: JsonObject) -> bool:
    """Say whether the endpoint took it."""
    return attempt["status"] is not None and 200 <= attempt["status"] < 300


def _spoiled(parcel: Parcel, do: str, seconds: int) -> Parcel:
    if do == "truncated":
        return parcel._replace(body=parcel.body[: len(parcel.body) // 2])
    if do == "wrong_secret":
        return parcel._replace(secrets=[WRONG_SECRET])
    return parcel._replace(shift=seconds if do == "future" else -seconds)


def _exchange(parcel: Parcel, headers: dict[str, str], timeout: float) -> JsonObject:
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                parcel.url,
                data=parcel.body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                head = next(answer.iter_content(KEPT_OF_ANSWER), b"")
        except requests.RequestException as error:
            return {"status": None, "body": None, "error": type(error).__name__}
    text = head.decode("utf-8", "replace")
    return {"status": answer.status_code, "body": text, "error": None}
