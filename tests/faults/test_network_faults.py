"""The lines to Stripe, to the mail server and to the database, through a bad proxy."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests

from storefront.demo.mailbox import Mailbox
from storefront.letters import delivery, line
from storefront.scheduler.claims import LEASE, database_time
from tests.factories.events import WEBHOOKS, complete_session, deliver, event, sign
from tests.faults.proxy import Proxy, proxied
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.gunicorn import Serve
from tests.fixtures.shop import (
    CUSTOMER,
    READING,
    WEBHOOK_SECRET,
    Placed,
    Shop,
    running_shop,
)

# The gateway's budget, and what a shared machine adds.
LONGEST_ANSWER = 13.0
# The server's own statement timeout, one more try to connect, and some room.
LONGEST_STATEMENT = 15.0
BUYERS = 100
KEY = "the-wish-of-one-customer"

Spoil = Callable[[Proxy], None]
BAD_LINES: dict[str, Spoil] = {
    "cut in the middle of an answer": lambda line: line.cut_answers(after=200),
    "reset": lambda line: line.reset_all(),
    "refused": lambda line: line.refuse(),
    "silent": lambda line: line.swallow(),
}
QUICK_LINES = {name: spoil for name, spoil in BAD_LINES.items() if name != "silent"}


@pytest.fixture
def stripe_line(emulator: EmulatorHand) -> Iterator[Proxy]:
    """Give the line to Stripe."""
    with proxied(urlsplit(emulator.url).port or 0) as line:
        yield line


@pytest.fixture
def mail_line(mailbox: Mailbox) -> Iterator[Proxy]:
    """Give the line to the mail server; it speaks of its port as the mailbox does."""
    with proxied(mailbox.smtp_port) as line:
        line.smtp_port = line.port  # type: ignore[attr-defined]
        yield line


@pytest.fixture
def database_line(database_url: str) -> Iterator[Proxy]:
    """Give the line to the database."""
    with proxied(urlsplit(database_url).port or 0) as line:
        yield line


@pytest.fixture
def open_beyond(
    database_url: str, emulator: EmulatorHand, mailbox: Mailbox
) -> Iterator[Callable[..., Shop]]:
    """Give a way to open a shop some of whose neighbours stand beyond a proxy.

    The test's own hands on them do not go through it.
    """
    with ExitStack() as shops:

        def open_one(
            stripe: Proxy | None = None,
            mail: Proxy | None = None,
            database: Proxy | None = None,
        ) -> Shop:
            shop = shops.enter_context(
                running_shop(
                    beyond(database_url, database) if database else database_url,
                    EmulatorHand(stripe.url) if stripe else emulator,
                    cast(Mailbox, mail) if mail else mailbox,
                    STRIPE_CHECKOUT_ORIGINS=",".join(
                        line.url for line in (emulator, stripe) if line
                    ),
                )
            )
            shop.database_url = database_url
            shop.emulator, shop.mailbox = emulator, mailbox
            return shop

        yield open_one


def beyond(url: str, line: Proxy) -> str:
    """Give a database's address on the line to it."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{where}:{line.port}"))


OpenBeyond = Callable[..., Shop]


def all_is_well(shop: Shop) -> None:
    """Let the jobs run, then compare all books."""
    shop.emulator.wait()
    for job in ("read-refunds", "expire-orders", "reconcile", "send-mail"):
        shop.run_job(job)
    assert shop.check() == []


def timed(deed: Callable[[], Any]) -> tuple[Any, float]:
    """Do a deed; give what came of it and how many seconds it took."""
    begun = time.monotonic()
    return deed(), time.monotonic() - begun


@pytest.mark.parametrize("spoil", BAD_LINES.values(), ids=BAD_LINES)
def test_while_the_line_to_stripe_is_bad_a_checkout_waits_and_pages_stay(
    open_beyond: OpenBeyond, stripe_line: Proxy, spoil: Spoil
) -> None:
    """Row 25: 503 with a hint in time; what needs no Stripe is up; recovers alone."""
    shop = open_beyond(stripe=stripe_line)
    spoil(stripe_line)

    answer, seconds = timed(lambda: shop.checkout(key=KEY))
    page, page_seconds = timed(lambda: shop.get("/"))
    stripe_line.heal()
    again = shop.checkout(key=KEY)

    assert (answer.status_code, page.status_code) == (503, 200)
    assert int(answer.headers["Retry-After"]) > 0
    assert seconds < LONGEST_ANSWER
    # Waiting for Stripe would take more than four.
    assert page_seconds < 3
    assert again.status_code == 201, again.text
    assert len(shop.emulator.ledger("sessions")["sessions"]) == 1
    assert shop.history(again.json()["order_id"]) == ["created"]
    all_is_well(shop)


def test_a_line_to_stripe_that_breaks_once_is_not_noticed(
    open_beyond: OpenBeyond, stripe_line: Proxy
) -> None:
    """Row 23: the first answer is lost; the second try finds the same session."""
    shop = open_beyond(stripe=stripe_line)
    shop.place()
    stripe_line.break_once()
    shop.place()
    stripe_line.cut_answers(after=200, times=1)

    placed = shop.place()

    assert len(shop.emulator.ledger("sessions")["sessions"]) == 3
    shop.pay(placed)
    all_is_well(shop)


def test_a_slow_line_to_stripe_is_only_slow(
    open_beyond: OpenBeyond, stripe_line: Proxy
) -> None:
    """Row 26: a fifth of a second each way; the whole sale goes through."""
    shop = open_beyond(stripe=stripe_line)
    stripe_line.be_slow(0.2)

    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
    page = shop.get(f"/orders/{placed.token}")

    assert page.status_code == 200
    assert shop.history(placed.id) == ["created", "paid"]
    all_is_well(shop)


def test_buyers_who_wait_for_a_silent_stripe_do_not_hold_up_the_others(
    shop: Shop, stripe_line: Proxy, emulator: EmulatorHand, serve: Serve
) -> None:
    """Row 26: pages and webhooks stay quick while a hundred checkouts hang."""
    told = shop.place()
    shop.emulator = EmulatorHand(stripe_line.url)
    served = serve(SCHEDULER="off")
    shop.emulator = emulator
    stripe_line.swallow()

    with ThreadPoolExecutor(BUYERS + 10) as pool:
        buyers = [pool.submit(buy, served.url, number) for number in range(BUYERS)]
        time.sleep(1.5)
        news = pool.submit(tell_of_payment, shop, served.url, told)
        pages = [pool.submit(is_quick, served.url) for _ in range(8)]
        quick = [page.result() for page in pages]
        stripe_line.heal()
        codes = {buyer.result() for buyer in buyers}

    assert codes <= {201, 503}
    assert news.result() == 200
    assert quick == [True] * 8


def is_quick(url: str) -> bool:
    """Tell whether a page comes long before who waits for Stripe has an answer."""
    try:
        return requests.get(url, timeout=6).ok
    except requests.Timeout:
        return False


def buy(url: str, number: int) -> int:
    """Check out at another server of the shop."""
    answer = requests.post(
        f"{url}/api/checkout",
        json={
            "items": [{"service_id": READING, "quantity": 1}],
            "customer": CUSTOMER,
        },
        headers={"Idempotency-Key": f"buyer {number}"},
        timeout=60,
    )
    return answer.status_code


def tell_of_payment(shop: Shop, url: str, placed: Placed) -> int:
    """Deliver an order's payment to another server of the shop."""
    body = json.dumps(
        event("checkout.session.completed", complete_session(shop, placed))
    ).encode()
    return requests.post(
        url + WEBHOOKS,
        data=body,
        headers={"Stripe-Signature": sign(body)},
        timeout=60,
    ).status_code


def test_a_mail_server_that_never_speaks_holds_up_the_letters_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 40: the job ends within its timeout, nobody else waits, nothing is lost."""
    monkeypatch.setattr(line, "TIMEOUT_SECONDS", 2.0)
    placed = shop.place()
    shop.mailbox.be_silent()

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(timed, lambda: shop.run_job("send-mail"))
        _, news_seconds = timed(lambda: shop.pay(placed))
        page, page_seconds = timed(lambda: shop.get(f"/orders/{placed.token}"))
        job.result()
    sent, seconds = timed(lambda: shop.run_job("send-mail"))

    assert (sent, page.status_code) == (0, 200)
    assert seconds < 6
    assert max(news_seconds, page_seconds) < 2
    shop.mailbox.clear()
    all_is_well(shop)
    assert len(shop.mailbox.letters) == 2


def test_a_job_waits_for_a_mail_server_less_long_than_it_is_lent() -> None:
    """Row 40: the timeout fits into the lease of the job, and into the claims."""
    assert LEASE.total_seconds() > line.TIMEOUT_SECONDS
    # To its sender, its recipient, its beginning and its end.
    answers = 4
    assert line.TIMEOUT_SECONDS * answers < delivery.CLAIM_SECONDS / 2


@pytest.mark.parametrize("spoil", QUICK_LINES.values(), ids=QUICK_LINES)
def test_letters_that_meet_a_bad_line_go_out_once_it_is_mended(
    open_beyond: OpenBeyond, mail_line: Proxy, spoil: Spoil
) -> None:
    """Row 39: orders go on; no letter is lost, a repeat bears the same Message-ID."""
    shop = open_beyond(mail=mail_line)
    spoil(mail_line)
    shop.pay(shop.place())

    assert shop.run_job("send-mail") == 0
    mail_line.heal()

    all_is_well(shop)
    names = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert len(set(names)) == len(names) == 2


def test_a_slow_mail_server_gets_no_letter_twice(
    open_beyond: OpenBeyond, mail_line: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 40: a batch that takes longer than its claim is not sent by two senders.

    Here a letter takes half a second and the claim lasts four; a server that thinks
    for three seconds at each command does the same to the real claim.
    """
    monkeypatch.setattr(delivery, "CLAIM_SECONDS", 4)
    shop = open_beyond(mail=mail_line)
    for _ in range(4):
        shop.pay(shop.place())
    mail_line.be_slow(0.05)

    def send(_: int) -> int:
        with shop.app.app_context():
            return delivery.send_letters(database_time(), lambda: True)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(send, 0)
        time.sleep(4.2)
        second = pool.submit(send, 1)
        first.result(), second.result()

    names = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("spoil", QUICK_LINES.values(), ids=QUICK_LINES)
def test_while_the_line_to_the_database_is_bad_the_shop_says_so(
    open_beyond: OpenBeyond, database_line: Proxy, spoil: Spoil
) -> None:
    """Row 16: 503 within 5 s, never 500; the first request after it is well again."""
    shop = open_beyond(database=database_line)
    placed = shop.place()
    paid = event("checkout.session.completed", complete_session(shop, placed))
    spoil(database_line)

    news, seconds = timed(lambda: deliver(shop, paid))
    page = shop.get(f"/orders/{placed.token}")
    database_line.heal()
    again = deliver(shop, paid)

    assert (news.status_code, page.status_code) == (503, 503)
    assert seconds < 5
    assert again.status_code == 200
    assert shop.history(placed.id) == ["created", "paid"]


def test_connections_to_the_database_that_broke_are_not_noticed(
    open_beyond: OpenBeyond, database_line: Proxy
) -> None:
    """Row 45: a firewall that forgot the connections costs nobody a request."""
    shop = open_beyond(database=database_line)
    placed = shop.place()

    database_line.break_once()

    assert shop.get(f"/orders/{placed.token}").status_code == 200
    database_line.break_once()
    shop.pay(placed)
    all_is_well(shop)


def test_requests_to_a_silent_database_end(
    open_beyond: OpenBeyond, database_line: Proxy
) -> None:
    """Row 47: what is sent on an open connection and never answered has an end."""
    shop = open_beyond(database=database_line)
    url = f"{shop.url}/orders/{shop.place().token}"
    database_line.swallow()

    try:
        page = requests.get(url, timeout=LONGEST_STATEMENT)
    finally:
        database_line.heal()

    assert page.status_code == 503
    assert requests.get(url, timeout=5).status_code == 200


def test_two_hundred_events_after_an_outage_are_taken_in_at_once(
    shop: Shop, serve: Serve
) -> None:
    """Row 13: all of them applied, while pages are served."""
    shop.emulator.hold_webhooks()
    orders = [shop.place() for _ in range(40)]
    for placed in orders:
        shop.emulator.pay(placed.session_id)
    served = serve(SCHEDULER="off")
    shop.emulator.add_endpoint(served.url + WEBHOOKS, WEBHOOK_SECRET)

    with ThreadPoolExecutor(1) as pool:
        visit = pool.submit(visits, served.url, 10)
        shop.emulator.release_webhooks(together=True)
        shop.emulator.wait(60)
        pages = visit.result()

    assert pages == [200] * 10
    told = shop.row("SELECT count(*) AS n FROM stripe_events WHERE outcome IS NULL")
    assert told["n"] == 0
    assert all(shop.history(one.id) == ["created", "paid"] for one in orders)
    assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 2 * len(orders)


def visits(url: str, count: int) -> list[int]:
    """Look at the shop's front page now and then; give the status of each."""
    seen = []
    for _ in range(count):
        # Ten seconds are for a machine that does much else besides.
        seen.append(requests.get(url, timeout=10).status_code)
        time.sleep(0.1)
    return seen
