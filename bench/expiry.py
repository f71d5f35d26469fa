"""Giving up a backlog of overdue orders, beside the same work as bare SQL and HTTP."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from unittest.mock import patch

import psycopg2
import requests
from flask import Flask

from bench.measure import Case, Measure, Round, cpu_seconds
from storefront import create_app
from storefront.checkout import expire_sessions
from storefront.demo.postgres import EmbeddedPostgres, embedded_postgres
from storefront.scheduler.jobs import run_now
from storefront.scheduler.timetable import get_job
from storefront.settings import read_settings
from tests.chaos.stage import POSTGRES, run, started_emulator
from tests.factories.backlog import make_backlog
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.shop import environment

ORDERS = 2_000
# What a batch job by hand would take.
BARE_BATCH = 1_000
# One and a half times as long as bare.
GOAL = 0.67
# Stripe's limits are its own, and nothing that we could be quicker than.
NO_PACE = 1e9
BARE = """
    WITH due AS (
        SELECT id FROM orders WHERE status = 'pending' AND expires_at < now()
        ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
    ), expired AS (
        UPDATE checkout_attempts SET state = 'expired' FROM due WHERE order_id = due.id
    ), canceled AS (
        UPDATE orders SET status = 'canceled', updated_at = now() FROM due
        WHERE orders.id = due.id RETURNING orders.id
    )
    INSERT INTO order_events (id, order_id, event_type, event_metadata)
    SELECT gen_random_uuid(), id, 'canceled', '{"source": "expiry"}' FROM canceled
"""


def expiry(orders: int = ORDERS) -> Case:
    """Give the case, with so many orders a round."""
    return Case(
        "expiry of a backlog",
        "the same rows by bare SQL, and the same requests by threads",
        GOAL,
        partial(_set_up, orders),
    )


@contextmanager
def _set_up(orders: int) -> Iterator[tuple[Measure, Measure]]:
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-bench")))
        # Under root Postgres is another user, who has to pass through here.
        folder.chmod(0o711)
        postgres = ending.enter_context(
            embedded_postgres(folder / "postgres", settings=POSTGRES)
        )
        emulator = started_emulator(ending, folder)
        settings = environment(postgres.url(), STRIPE_API_BASE=emulator.url)
        run(settings, "db", "upgrade").check_returncode()
        app = create_app(read_settings(settings))
        ending.enter_context(patch.object(expire_sessions, "PER_SECOND", NO_PACE))

        def measured(work: Callable[[], int]) -> Round:
            emulator.reset()
            make_backlog(postgres.url(), emulator.url, orders)
            return _measure(work, postgres)

        yield (
            lambda: measured(partial(_by_the_job, app)),
            lambda: measured(partial(_by_hand, postgres.url(), emulator)),
        )


def _by_the_job(app: Flask) -> int:
    with app.app_context():
        return run_now(get_job("expire-orders"))


def _by_hand(database_url: str, emulator: EmulatorHand) -> int:
    with closing(psycopg2.connect(database_url)) as base, base.cursor() as cursor:
        cursor.execute(
            "SELECT provider_session_id FROM orders"
            " WHERE status = 'pending' AND expires_at < now()"
        )
        pages = [page for (page,) in cursor.fetchall()]
        base.commit()
        _expire(emulator.url, pages)
        done = 0
        while done < len(pages):
            cursor.execute(BARE, [BARE_BATCH])
            base.commit()
            done += cursor.rowcount
    return done


def _expire(emulator_url: str, pages: Sequence[str]) -> None:
    """Ask as the shop does, from as many threads."""
    threads = expire_sessions.AT_ONCE

    def expire_some(some: Sequence[str]) -> None:
        with requests.Session() as http:
            http.trust_env = False
            http.headers["Authorization"] = "Bearer sk_test_of_the_tests"
            for page in some:
                url = f"{emulator_url}/v1/checkout/sessions/{page}/expire"
                assert http.post(url, timeout=30).json()["status"] == "expired"  # noqa: S101

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(expire_some, [pages[i::threads] for i in range(threads)]))


def _measure(work: Callable[[], int], postgres: EmbeddedPostgres) -> Round:
    """Measure this process alone: the emulator is a child of it."""
    begun, ours, database = perf_counter(), process_time(), cpu_seconds(postgres.pid)
    done = work()
    return Round(
        per_second=done / (perf_counter() - begun),
        web_ms=1000 * (process_time() - ours) / done,
        database_ms=1000 * (cpu_seconds(postgres.pid) - database) / done,
    )


CASE = expiry(int(os.environ.get("EXPIRY_ORDERS", ORDERS)))
