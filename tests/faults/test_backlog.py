"""A shop that was away for a day: everything is overdue at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from storefront.checkout import expire_sessions
from storefront.gateway.port import SessionSeen
from storefront.gateway.stripe_gateway import StripeGateway
from tests.factories.backlog import make_backlog
from tests.fixtures.figures import Figure
from tests.fixtures.shop import Shop

OVERDUE = 400
# Ten times as quick as Stripe allows and answers, so that a run takes two seconds.
SPEED = 10
PER_SECOND = expire_sessions.PER_SECOND * SPEED
ANSWER_MS = 300 // SPEED
# What the shop waits in: a call to Stripe must find none of it.
OPEN_TRANSACTIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'storefront' AND state LIKE 'idle in transaction%'
"""


class Watch:
    """Counts who asks Stripe at the same moment, and looks whether anything is held."""

    def __init__(self, database_url: str) -> None:
        self.now = self.most = self.transactions = 0
        self._database = psycopg2.connect(database_url)
        self._database.autocommit = True
        self._lock = threading.Lock()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Be one who asks."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            with self._database.cursor() as cursor:
                cursor.execute(OPEN_TRANSACTIONS)
                self.transactions += cursor.fetchone()[0]
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1

    def close(self) -> None:
        """Look no more."""
        self._database.close()


@pytest.fixture
def watch(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Watch every session that is expired."""
    watch = Watch(database_url)
    expire = StripeGateway.expire_session

    def watched(gateway: StripeGateway, session_id: str) -> SessionSeen:
        with watch.asking():
            return expire(gateway, session_id)

    monkeypatch.setattr(StripeGateway, "expire_session", watched)
    yield watch
    watch.close()


def test_a_backlog_is_drained_at_the_pace_that_stripe_allows(
    shop: Shop, watch: Watch, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """Row 35: several at once, never too many or too fast, and nothing is held."""
    monkeypatch.setattr(expire_sessions, "PER_SECOND", PER_SECOND)
    orders = make_backlog(shop.database_url, shop.emulator.url, OVERDUE)
    shop.emulator.set_faults(
        {"where": "webhooks", "do": "drop"},
        {"where": "api", "do": "delay", "ms": ANSWER_MS},
    )

    begun = time.monotonic()
    assert shop.run_job("expire-orders") == OVERDUE
    seconds = time.monotonic() - begun

    assert 1 < watch.most <= expire_sessions.AT_ONCE
    assert watch.transactions == 0
    # Each batch begins anew, with one call that waits for nobody.
    assert seconds >= 0.9 * OVERDUE / PER_SECOND
    # The promise is 10,000 in 600 seconds, where nobody else needs the machine.
    assert seconds < OVERDUE * 600 / 10_000 / SPEED * 4
    states = shop.rows(
        "SELECT DISTINCT status::text, state::text FROM orders"
        " JOIN checkout_attempts ON order_id = orders.id"
    )
    assert states == [{"status": "canceled", "state": "expired"}]
    assert shop.history(orders[0]) == ["created", "canceled"]
    assert shop.check() == []
    figure("overdue orders given up in one run", OVERDUE)
