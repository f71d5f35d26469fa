"""How often an open order page asks for news, and how often Stripe is asked for it."""

import re
from datetime import timedelta

from storefront.clock import now

# Seconds since the page was opened, and how often it asks from there on: people look
# hard at first, and a tab that is left open must not ask for ever.
PACE = ((30, 2), (90, 5), (180, 15))
# A page that is polled every two seconds asks every other time: healed within 10 s.
PAGE_PAUSE = timedelta(seconds=4)


def pace(age: int) -> int | None:
    """Say how often a page asks that was opened so many seconds ago; None: no more."""
    return next((every for until, every in PACE if 0 <= age < until), None)


def pace_since(since: int) -> int | None:
    """Say how often a page asks that was opened then, in seconds since 1970."""
    return pace(this_second() - since)


def this_second() -> int:
    """Give the seconds since 1970."""
    return int(now().timestamp())


def whole(text: str | None) -> int:
    """Read a number that came with an address; 0 for anything else."""
    return int(text) if text and re.fullmatch("[0-9]{1,12}", text) else 0
