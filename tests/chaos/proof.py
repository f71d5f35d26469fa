"""Proofs that the shop has recovered, each tried until it holds."""

import time
from collections.abc import Callable

import requests

from tests.chaos.notes import Notes
from tests.chaos.stage import Stage
from tests.fixtures.shop import CUSTOMER, READING

GLANCE_SECONDS = 0.05
# A sale that has not come through by then is begun anew, as a customer would.
LONGEST_SALE = 10.0
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
    shop = stage.server.url
    body = {"items": [{"service_id": READING, "quantity": 1}], "customer": CUSTOMER}
    give_up_at = time.monotonic() + LONGEST_SALE
    with requests.Session() as http:
        http.trust_env = False
        try:
            answer = http.post(f"{shop}/api/checkout", json=body, timeout=LONGEST_SALE)
            if answer.status_code != 201:
                return False
            told = answer.json()
            session = told["checkout_url"].rpartition("/")[2]
            notes.sessions.add(session)
            stage.emulator.pay(session)
            while time.monotonic() < give_up_at:
                url = f"{shop}/api/orders/{told['order_id']}"
                answer = http.get(url, timeout=LONGEST_SALE)
                if answer.ok and answer.json()["status"] == "paid":
                    notes.paid.add(told["order_id"])
                    return True
                time.sleep(GLANCE_SECONDS)
        except (requests.RequestException, AssertionError):
            # Cut off, or the page was paid or closed by a fault that still works.
            pass
    return False
