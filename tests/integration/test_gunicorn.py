"""The shop under its real server: several workers, killed and forked."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.factories.events import WEBHOOKS, complete_session, event, sign
from tests.fixtures.gunicorn import CUT_OFF, Serve, Served
from tests.fixtures.shop import Placed, Shop

ROOT = Path(__file__).parents[2]


def payment(shop: Shop, placed: Placed, served: Served) -> dict[str, Any]:
    """Give the delivery that tells gunicorn of an order's payment."""
    told = event("checkout.session.completed", complete_session(shop, placed))
    body = json.dumps(told).encode()
    return {
        "method": "POST",
        "url": served.url + WEBHOOKS,
        "data": body,
        "headers": {"Stripe-Signature": sign(body)},
    }


def deliver(served: Served, shop: Shop, placed: Placed) -> int:
    """Deliver an order's payment once; 0 where the line was cut."""
    try:
        return requests.request(timeout=30, **payment(shop, placed, served)).status_code
    except CUT_OFF:
        return 0


def test_two_hundred_deliveries_over_two_workers_are_one_payment_and_one_receipt(
    shop: Shop, serve: Serve
) -> None:
    """Row 1: over two processes, through the real server."""
    placed = shop.place()
    request = payment(shop, placed, serve())

    def post(_: int) -> int:
        return requests.request(timeout=30, **request).status_code

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(post, range(200)))

    assert set(codes) == {200}
    assert shop.history(placed.id) == ["created", "paid"]
    shop.mailbox.wait_for(2, timeout=15)
    time.sleep(3.5)  # another round of both workers' clocks
    assert len(shop.mailbox.letters) == 2


@pytest.mark.parametrize("arguments", [(), ("--preload",)])
def test_jobs_run_once_over_two_workers(
    shop: Shop, serve: Serve, arguments: tuple[str, ...]
) -> None:
    """Rows 31 and 32: with and without --preload, each letter once."""
    orders = [shop.place() for _ in range(5)]
    for placed in orders:
        shop.pay(placed)
    served = serve(*arguments)

    shop.mailbox.wait_for(10, timeout=20)
    time.sleep(3.5)
    ids = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert len(ids) == len(set(ids)) == 10
    beat = requests.get(f"{served.url}/readyz", timeout=5).json()["scheduler"]
    assert beat["seconds_since_last_run"] < 10


def test_a_worker_killed_among_payments_loses_none(shop: Shop, serve: Serve) -> None:
    """Row 51: a cut delivery comes again, and is applied once."""
    orders = [shop.place() for _ in range(12)]
    served = serve()

    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(deliver, served, shop, one) for one in orders]
        served.kill_a_worker()
        codes = [answer.result() for answer in answers]
    # Stripe comes again to where no 2xx was heard.
    for placed, code in zip(orders, codes, strict=True):
        if code != 200:
            assert deliver(served, shop, placed) == 200

    for placed in orders:
        assert shop.history(placed.id) == ["created", "paid"]
    shop.run_job("send-mail")
    ids = {letter.message["Message-ID"] for letter in shop.mailbox.letters}
    assert len(ids) == 2 * len(orders)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("STRIPE_WEBHOOK_SECRET", "", "STRIPE_WEBHOOK_SECRET is empty"),
        ("BASE_URL", "http://shop.example", "BASE_URL must begin with https://"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    name: str, value: str, sentence: str
) -> None:
    environment = {**os.environ, "STOREFRONT_ENV": "development", name: value}
    answer = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind=127.0.0.1:0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert answer.returncode != 0
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
