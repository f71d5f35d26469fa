"""Proofs that the shop has recovered, each tried until it holds."""

import time
from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

import requests

from tests.chaos.notes import Notes
from tests.chaos.stage import Stage
from tests.fixtures.shop import CUSTOMER, READING

GLANCE_SECONDS = 0.1
# The order page is looked at as often as its own script does at first.
GLANCES_A_LOOK = 20
# A sale that has not come through by then is begun anew, as a customer would.
LONGEST_SALE = 15.0
# Past it, the shop has not recovered by itself.
GIVE_UP_AFTER = 60.0


def seconds_until(is_proven: Callable[[], bool]) -> float | None:
    """Try until it holds; give how long that took, None if it never did."""
    begun = time.monotonic()
    while time.monotonic() < begun + GIVE_UP_AFTER:
        if is_proven():
            return time.monotonic() - begun
        time.sleep(GLANCE_SECONDS)
    return None


def proof_of(kind: str, stage: Stage, notes: Notes) -> Callable[[], bool]:
    """Give the proof of a kind: a sale, or a letter that arrives from now on."""
    if kind == "sale":
        return lambda: sells(stage, notes)
    before = stage.mailbox.count()
    return lambda: stage.mailbox.count() > before


def sells(stage: Stage, notes: Notes) -> bool:
    """Tell whether somebody who comes now can check out, pay, and is told so."""
    with requests.Session() as http:
        http.trust_env = False
        try:
            return _buys(http, stage, notes)
        except (requests.RequestException, AssertionError):
            # Cut off, or the page was paid or closed by a fault that still works.
            return False


def _buys(http: requests.Session, stage: Stage, notes: Notes) -> bool:
    shop, give_up_at = stage.server.url, time.monotonic() + LONGEST_SALE
    body = {"items": [{"service_id": READING, "quantity": 1}], "customer": CUSTOMER}
    answer = http.post(f"{shop}/api/checkout", json=body, timeout=LONGEST_SALE)
    if answer.status_code != 201:
        return False
    order_id = answer.json()["order_id"]
    session = answer.json()["checkout_url"].rpartition("/")[2]
    notes.sessions.add(session)
    page = urlsplit(stage.emulator.pay(session)["success_url"]).path
    for glance in count(1):
        if time.monotonic() > give_up_at:
            break
        if glance % GLANCES_A_LOOK == 0:
            http.get(shop + page, timeout=LONGEST_SALE)
        answer = http.get(f"{shop}/api/orders/{order_id}", timeout=LONGEST_SALE)
        if answer.ok and answer.json()["status"] == "paid":
            notes.paid.add(order_id)
            return True
        time.sleep(GLANCE_SECONDS)
    return False
