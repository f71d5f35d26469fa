"""How long it takes, in real time, until what was lost is found."""

import random
import time

import pytest

from storefront.scheduler.jobs import LONGEST_TICK_SECONDS
from storefront.scheduler.timetable import get_job
from tests.fixtures.figures import Figure
from tests.fixtures.gunicorn import Serve
from tests.fixtures.shards import RECOVERIES, WORST
from tests.fixtures.shop import Shop

PERIOD = get_job("reconcile").every.total_seconds()
# The walk begins at a tick, and takes its time.
WITHIN = PERIOD + LONGEST_TICK_SECONDS + 20


@pytest.mark.long
@pytest.mark.skipif(RECOVERIES == 1, reason="waits for minutes: RECOVERIES=20 does")
@pytest.mark.timeout(3 * WITHIN)
def test_while_nobody_looks_a_lost_webhook_heals_with_the_next_walk(
    shop: Shop, serve: Serve, figure: Figure
) -> None:
    shop.emulator.drop_webhooks()
    serve()
    began = time.monotonic()
    dice = random.Random(1)
    moments = sorted(dice.uniform(0, PERIOD) for _ in range(RECOVERIES))
    paid_at: dict[str, float] = {}
    worst = 0.0

    while moments or paid_at:
        if moments and time.monotonic() - began > moments[0]:
            moments.pop(0)
            placed = shop.place()
            shop.emulator.pay(placed.session_id)
            paid_at[placed.id] = time.monotonic()
        for row in shop.rows("SELECT id::text FROM orders WHERE status = 'paid'"):
            if row["id"] in paid_at:
                worst = max(worst, time.monotonic() - paid_at.pop(row["id"]))
        time.sleep(0.5)

    figure(f"{WORST} until a lost webhook heals, page closed", worst)
    assert worst <= WITHIN
    shop.run_job("send-mail")
    assert shop.check() == []
