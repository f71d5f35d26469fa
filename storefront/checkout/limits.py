"""How many checkouts one address may begin: counted in Postgres, over all workers."""

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from storefront.checkout.models import RateCounter
from storefront.errors import TooManyCheckouts
from storefront.extensions import db
from storefront.settings import current_settings
from storefront.transaction import transaction


class PostgresStorage(Storage):
    """The library's counters, as rows: one statement counts, so workers agree."""

    STORAGE_SCHEME = ["storefront+postgres"]  # noqa: RUF012 - the library's own way

    @property
    def base_exceptions(self) -> type[Exception]:
        """Name what a broken storage raises."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window that begins with the first hit."""
        over = RateCounter.expires_at < func.now()
        ends = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, expiry)
        statement = insert(RateCounter).values(key=key, hits=amount, expires_at=ends)
        counted = statement.on_conflict_do_update(
            index_elements=[RateCounter.key],
            set_={
                "hits": case((over, amount), else_=RateCounter.hits + amount),
                "expires_at": case((over, ends), else_=RateCounter.expires_at),
            },
        ).returning(RateCounter.hits)
        return db.session.execute(counted).scalar_one()

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
    rate = parse(current_settings().checkout_rate)
    with transaction():
        allowed = _limiter.hit(rate, "checkout", address)
        if not allowed:
            ends, _ = _limiter.get_window_stats(rate, "checkout", address)
            now = db.session.execute(
                select(func.extract("epoch", func.now()))
            ).scalar_one()
    if not allowed:
        raise TooManyCheckouts(retry_after=max(1, round(ends - float(now))))
