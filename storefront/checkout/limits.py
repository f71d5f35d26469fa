"""How often one address may do something: counted in Postgres, over all workers."""

import hashlib

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from storefront.checkout.models import RateCounter
from storefront.errors import TooManyCheckouts, TooManySearches
from storefront.extensions import db
from storefront.glance import single_trip
from storefront.settings import current_settings
from storefront.transaction import transaction

# People try the two addresses they have, and perhaps mistype one. A household, or an
# office, shares its network address.
SEARCHES = "20 per hour"
# Nobody's mailbox is filled by others.
LETTERS_TO_ONE = "3 per hour"


# Nobody waits until the disk has it: a crash may forget some of the last counts.
COUNT = """
    SET LOCAL synchronous_commit = off;
    INSERT INTO rate_counters AS present (key, hits, expires_at)
    VALUES (%(key)s, %(amount)s, now() + %(window)s * interval '1 second')
    ON CONFLICT (key) DO UPDATE SET (hits, expires_at) = (
        SELECT excluded.hits, excluded.expires_at WHERE present.expires_at < now()
        UNION ALL
        SELECT present.hits + excluded.hits, present.expires_at
        WHERE present.expires_at >= now())
    RETURNING hits
"""


class PostgresStorage(Storage):
    """The library's counters, as rows: one statement counts, so workers agree."""

    STORAGE_SCHEME = ["storefront+postgres"]  # noqa: RUF012 - the library's own way

    @property
    def base_exceptions(self) -> type[Exception]:
        """Name what a broken storage raises."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window that begins with the first hit."""
        counted = single_trip(COUNT, key=key, amount=amount, window=expiry)
        return int(counted[0]) if counted else 0

    def get(self, key: str) -> int:
        """Give the count of the present window."""
        hits = db.session.scalar(
            select(RateCounter.hits).where(
                RateCounter.key == key, RateCounter.expires_at > func.now()
            )
        )
        return hits or 0

    def get_expiry(self, key: str) -> float:
        """Give the end of the present window, in seconds since 1970."""
        ends = db.session.scalar(
            select(RateCounter.expires_at).where(RateCounter.key == key)
        )
        return ends.timestamp() if ends else 0.0

    def check(self) -> bool:
        """Tell whether the storage works."""
        return bool(db.session.execute(select(1)).scalar())

    def reset(self) -> int | None:
        """Forget all counts."""
        return db.session.query(RateCounter).delete()

    def clear(self, key: str) -> None:
        """Forget one count."""
        db.session.query(RateCounter).filter_by(key=key).delete()


_limiter = FixedWindowRateLimiter(PostgresStorage())


def count_checkout(address: str) -> None:
    """Count one more checkout of an address.

    :raises TooManyCheckouts: with the seconds until its next window.
    """
    wait = _count(current_settings().checkout_rate, "checkout", address)
    if wait:
        raise TooManyCheckouts(wait)


def count_search(address: str) -> None:
    """Count one more search for orders from an address.

    :raises TooManySearches: with the seconds until its next window.
    """
    wait = _count(SEARCHES, "search", address)
    if wait:
        raise TooManySearches(wait)


def may_be_written_to(email: str) -> bool:
    """Count one more letter that somebody asked for; False once it is enough."""
    # Digested: a counter needs no e-mail addresses.
    who = hashlib.sha256(email.lower().encode()).hexdigest()
    return not _count(LETTERS_TO_ONE, "letter", who)


def _count(rate: str, what: str, who: str) -> int:
    """Count once more; give the seconds to wait, 0 within the rate."""
    limit = parse(rate)
    if _limiter.hit(limit, what, who):
        return 0
    with transaction():
        ends, _ = _limiter.get_window_stats(limit, what, who)
        now = db.session.execute(select(func.extract("epoch", func.now()))).scalar_one()
    return max(1, round(ends - float(now)))
