"""The same thing at the same moment, through many doors: one effect."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg2
import pytest
import requests
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from storefront.checkout.door import gateway
from storefront.checkout.expire_orders import expire_orders
from storefront.checkout.settle_order import settle_order
from storefront.extensions import db
from storefront.letters.delivery import send_letters
from storefront.orders.models import AttemptState, CheckoutAttempt
from storefront.orders.service import lock_order
from storefront.scheduler.claims import database_time
from storefront.transaction import transaction
from tests.factories.events import (
    WEBHOOKS,
    complete_session,
    deliver,
    event,
    sign,
)
from tests.fixtures.shop import CUSTOMER, READING, Placed, Shop

MANY = 20


def together(count: int, **request: Any) -> list[requests.Response]:
    """Send one request many times at the same moment."""
    barrier = Barrier(count)

    def send(_: int) -> requests.Response:
        barrier.wait()
        return requests.request(
            timeout=30, allow_redirects=False, proxies={"no_proxy": "*"}, **request
        )

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def payment(shop: Shop, placed: Placed) -> dict[str, Any]:
    """Give the delivery that tells of an order's payment."""
    return signed(
        shop, event("checkout.session.completed", complete_session(shop, placed))
    )


def signed(shop: Shop, told: dict[str, Any]) -> dict[str, Any]:
    """Give the delivery of an event."""
    body = json.dumps(told).encode()
    return {
        "method": "POST",
        "url": shop.url + WEBHOOKS,
        "data": body,
        "headers": {"Stripe-Signature": sign(body)},
    }


def test_fifty_deliveries_of_one_event_at_once_are_one_payment(shop: Shop) -> None:
    """Row 1: one change, one event of the order, one receipt; every answer is a 2xx."""
    placed = shop.place()

    answers = together(50, **payment(shop, placed))

    assert {answer.status_code for answer in answers} == {200}
    assert shop.history(placed.id) == ["created", "paid"]
    letters = shop.rows("SELECT kind FROM letters ORDER BY kind")
    assert [letter["kind"] for letter in letters] == ["receipt", "new_order"]
    assert shop.row("SELECT count(*) AS n FROM stripe_events")["n"] == 1


def test_twenty_checkouts_under_one_key_are_one_order_and_one_session(
    shop: Shop,
) -> None:
    """Row 19: a client's retries and its first try are one wish."""
    shop.emulator.be_slow(500)
    body = {"items": [{"service_id": READING, "quantity": 1}], "customer": CUSTOMER}

    answers = together(
        MANY,
        method="POST",
        url=f"{shop.url}/api/checkout",
        json=body,
        headers={"Idempotency-Key": "one-wish"},
    )

    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {201, 409}
    assert codes.count(201) == 1
    assert all(a.headers["Retry-After"] for a in answers if a.status_code == 409)
    assert shop.row("SELECT count(*) AS n FROM orders")["n"] == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_a_form_sent_twenty_times_leads_every_click_to_one_payment_page(
    shop: Shop,
) -> None:
    """Row 19: double click and reload end on the same page."""
    shop.emulator.be_slow(500)
    browser = requests.Session()
    browser.trust_env = False
    page = browser.get(f"{shop.url}/checkout?service_id={READING}", timeout=10).text
    form = {
        "service_id": READING,
        "quantity": "1",
        **CUSTOMER,
        "csrf_token": page.split('name="csrf_token"')[1]
        .split('value="')[1]
        .split('"')[0],
        "checkout_token": "one-token",
    }

    answers = together(
        MANY,
        method="POST",
        url=f"{shop.url}/checkout",
        data=form,
        cookies=browser.cookies.get_dict(),
    )

    browser.close()
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert shop.row("SELECT count(*) AS n FROM orders")["n"] == 1
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_webhook_page_and_reconciliation_at_once_pay_once(shop: Shop) -> None:
    """Row 18: one winner, and nobody is told that anything failed."""
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
    (completed,) = shop.emulator.events("checkout.session.completed")
    told = signed(shop, completed)
    page = {"method": "GET", "url": f"{shop.url}/orders/{placed.token}"}

    with ThreadPoolExecutor(3) as pool:
        answers = [
            pool.submit(together, 5, **told),
            pool.submit(together, 5, **page),
            pool.submit(shop.run_job, "reconcile"),
        ]
        for answer in answers:
            answer.result()

    assert shop.history(placed.id) == ["created", "paid"]
    assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 2
    assert shop.rows("SELECT * FROM matters") == []


def test_two_expiries_at_once_cancel_once(shop: Shop) -> None:
    """Row 33: two runs at once do no harm."""
    placed = [shop.place() for _ in range(4)]
    for one in placed:
        shop.let_deadline_pass(one.id)

    with shop.app.app_context():
        now = database_time()

    def expire(_: int) -> int:
        with shop.app.app_context():
            return expire_orders(now, lambda: True)

    with ThreadPoolExecutor(2) as pool:
        closed = sum(pool.map(expire, range(2)))

    assert closed == len(placed)
    assert all(shop.history(one.id) == ["created", "canceled"] for one in placed)


def test_senders_at_once_send_each_letter_once(shop: Shop) -> None:
    """Row 31: also where processes believe to hold the job, and one comes later."""
    for _ in range(6):
        shop.pay(shop.place())
    with shop.app.app_context():
        now = database_time()

    def send() -> int:
        with shop.app.app_context():
            return send_letters(now, lambda: True)

    with ThreadPoolExecutor(3) as pool:
        senders = [pool.submit(send) for _ in range(2)]
        while not (shop.mailbox.letters or all(sender.done() for sender in senders)):
            time.sleep(0.002)
        senders.append(pool.submit(send))
        sent = sum(sender.result() for sender in senders)

    ids = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert sent == len(ids) == len(set(ids)) == 12


def test_what_was_read_before_the_lock_is_not_believed_under_it(shop: Shop) -> None:
    """Whoever waited for the lock would else write the other's deed over."""
    placed = shop.place()
    with shop.app.app_context(), transaction():
        read_before = db.session.scalars(select(CheckoutAttempt)).one()
        assert read_before.state is AttemptState.OPEN
        shop.rows("UPDATE checkout_attempts SET state = 'expired'")

        order = lock_order(UUID(placed.id))

        assert [attempt.state for attempt in order.attempts] == [AttemptState.EXPIRED]


def test_news_of_a_payment_wait_for_whoever_has_it_in_hand(shop: Shop) -> None:
    """A refund may not know yet whose payment it is: no order's lock keeps it apart."""
    placed = shop.place()
    shop.emulator.hold_webhooks()
    intent = shop.emulator.pay(placed.session_id)["payment_intent"]
    other = psycopg2.connect(shop.database_url)
    with closing(other), other.cursor() as cursor, shop.app.app_context():
        session = gateway().get_session(placed.session_id)
        hold = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
        cursor.execute(hold, (intent,))

        with transaction():
            db.session.execute(text("SET LOCAL lock_timeout = 100"))
            with pytest.raises(OperationalError, match="lock timeout"):
                settle_order(UUID(placed.id), session, "test")
            db.session.rollback()


def test_settling_waits_for_whoever_has_the_order_in_hand(shop: Shop) -> None:
    """Also where it changes nothing: what it looks at must not move meanwhile."""
    placed = shop.place()
    session = complete_session(shop, placed)
    paid = event("checkout.session.async_payment_succeeded", session)
    deliver(shop, paid).raise_for_status()
    other = psycopg2.connect(shop.database_url)
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", (placed.id,))
        twin = {**paid, "id": "evt_twin"}

        assert deliver(shop, twin).status_code == 503

    assert deliver(shop, twin).json()["outcome"] == "applied"
