"""kill -9 at every named place: whoever comes next finishes, and nothing is doubled.

`KILLS` says how often at each, in shards that workers share.
"""

import json
import os
import re
from pathlib import Path

import pytest
import stripe

from tests.faults.dying import BODY, KEY, die, let_leases_end
from tests.fixtures.figures import Figure
from tests.fixtures.shards import shards
from tests.fixtures.shop import Placed, Shop

CODE = Path(__file__).parents[2] / "storefront"
KILLS = int(os.environ.get("KILLS", "1"))
pytestmark = pytest.mark.long

AT_CHECKOUT = [
    "key looked up",
    "checkout counted",
    "order committed",
    "before the session is made",
    "session made, not kept",
    "answer kept, not given",
]
# The first try has died when the order was committed.
AT_SECOND_TRY = [
    "key taken up",
    "session kept, not committed",
    "session kept",
    "before the answer is kept",
]
SESSION, PAYMENT = "checkout.session.completed", "payment_intent.succeeded"
# A session that was paid is plain; the news of its payment goes the ordinary way.
IN_WEBHOOK = {
    "taken in at once, not answered": SESSION,
    "event written down": PAYMENT,
    "order locked": PAYMENT,
    "fact added, nothing derived": PAYMENT,
    "status derived, no letter written": PAYMENT,
    "order settled, not committed": PAYMENT,
    "event applied, not committed": PAYMENT,
    "event applied, not answered": PAYMENT,
}
IN_LETTERS = [
    "job claimed",
    "letters claimed",
    "letter composed, not sent",
    "letter sent, not marked",
    "letter marked",
    "job done, not reported",
]
IN_EXPIRY = [
    "overdue orders claimed",
    "sessions expired, none settled",
    "unpaid orders canceled, not committed",
    "one of many closed",
]
IN_LOST_EXPIRY = ["lost session found again", "lost session expired, not settled"]
IN_RECONCILE = [
    "session asked about, not settled",
    "page of the books read",
    "one of a page mended",
    "page of the books done",
]
IN_REFUNDS = ["refund reading claimed", "refunds read, not settled"]
IN_PAYING_AGAIN = [
    "another attempt begun, not committed",
    "before an ended session is settled",
]


@pytest.fixture(params=shards(KILLS, most=1), autouse=True)
def once_more(request: pytest.FixtureRequest, figure: Figure) -> None:
    """Kill so often at each place."""
    if "place" in request.fixturenames:
        figure("kill -9 at a named place, each recovered", 1)


def everything_agrees(shop: Shop) -> None:
    """Let all jobs run to their end, then compare all books."""
    shop.emulator.wait()
    let_leases_end(shop)
    for name in ("read-refunds", "expire-orders", "reconcile", "send-mail"):
        shop.run_job(name)
    shop.run_job("send-mail")
    assert shop.check() == []


def retried(shop: Shop) -> Placed:
    """Check out once more under the key of the dead try."""
    let_leases_end(shop)
    answer = shop.post("/api/checkout", json=BODY, headers={"Idempotency-Key": KEY})
    assert answer.status_code == 201, answer.text
    row = shop.row("SELECT * FROM orders")
    return Placed(
        str(row["id"]), row["provider_session_id"], row["page_token"], answer.json()
    )


def test_every_named_place_is_killed_at_somewhere_here() -> None:
    named = {
        place
        for file in CODE.rglob("*.py")
        for place in re.findall(r'reach\("([^"]+)"\)', file.read_text())
    }
    killed = {
        *AT_CHECKOUT,
        *AT_SECOND_TRY,
        *IN_WEBHOOK,
        *IN_LETTERS,
        *IN_EXPIRY,
        *IN_LOST_EXPIRY,
        *IN_RECONCILE,
        *IN_REFUNDS,
        *IN_PAYING_AGAIN,
    }
    assert named == killed
    assert len(named) >= 25


@pytest.mark.parametrize("place", AT_CHECKOUT)
def test_a_checkout_killed_is_continued_under_its_key(shop: Shop, place: str) -> None:
    """Rows 21 and 22: the same key makes one order and one session."""
    assert die(shop, place, "checkout")

    is_one_sale(shop, retried(shop))


def is_one_sale(shop: Shop, placed: Placed) -> None:
    shop.pay(placed)
    assert len(shop.emulator.ledger()["sessions"]) == 1
    assert shop.history(placed.id) == ["created", "paid"]
    everything_agrees(shop)


@pytest.mark.parametrize("place", AT_SECOND_TRY)
def test_a_second_try_killed_is_continued_once_more(shop: Shop, place: str) -> None:
    """Rows 21 and 22: however often it dies, it is one order and one session."""
    assert die(shop, "order committed", "checkout")
    let_leases_end(shop)

    assert die(shop, place, "checkout")

    is_one_sale(shop, retried(shop))


@pytest.mark.parametrize("place", AT_CHECKOUT[2:])
def test_a_checkout_killed_and_abandoned_expires(shop: Shop, place: str) -> None:
    """Rows 21 and 22: nobody comes back; no page at Stripe stays open."""
    assert die(shop, place, "checkout")
    shop.rows("UPDATE orders SET expires_at = now() - interval '1 minute'")

    everything_agrees(shop)

    assert shop.row("SELECT status FROM orders")["status"] == "canceled"


@pytest.mark.parametrize("place", IN_WEBHOOK)
def test_a_webhook_killed_is_taken_in_when_it_comes_again(
    shop: Shop, place: str
) -> None:
    """Row 17: a redelivery after the commit is a no-op, before it does the work."""
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    (event,) = shop.emulator.events(IN_WEBHOOK[place])
    shop.emulator.set_faults()

    assert die(shop, place, "webhook", json.dumps(event).encode())
    shop.emulator.resend(event["id"])
    shop.emulator.wait()

    assert shop.history(placed.id) == ["created", "paid"]
    everything_agrees(shop)


@pytest.mark.parametrize("place", IN_LETTERS)
def test_a_sender_killed_repeats_at_most_one_letter(shop: Shop, place: str) -> None:
    """Rows 37 and 38: all letters arrive; a repeat bears the same Message-ID."""
    placed = shop.place()
    shop.pay(placed)

    assert die(shop, place, "job", "send-mail")
    everything_agrees(shop)

    ids = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert len(set(ids)) == 2
    assert len(ids) <= 3


@pytest.mark.parametrize("place", IN_EXPIRY)
def test_an_expiry_killed_is_finished_by_the_next(shop: Shop, place: str) -> None:
    """Row 33: a job in flight is repeated harmlessly."""
    shop.emulator.drop_webhooks()
    unpaid, paid = [shop.place() for _ in range(2)], shop.place()
    shop.emulator.pay(paid.session_id)
    for placed in (*unpaid, paid):
        shop.let_deadline_pass(placed.id)

    assert die(shop, place, "job", "expire-orders")
    everything_agrees(shop)

    assert all(shop.history(one.id) == ["created", "canceled"] for one in unpaid)
    assert shop.history(paid.id) == ["created", "paid"]


@pytest.mark.parametrize("place", IN_LOST_EXPIRY)
def test_closing_a_lost_session_killed_is_finished_by_the_next(
    shop: Shop, place: str
) -> None:
    """Row 22: the session whose making nobody heard of is closed all the same."""
    assert die(shop, "session made, not kept", "checkout")
    shop.rows("UPDATE orders SET expires_at = now() - interval '1 minute'")
    let_leases_end(shop)

    assert die(shop, place, "job", "expire-orders")
    everything_agrees(shop)

    assert shop.row("SELECT status FROM orders")["status"] == "canceled"


@pytest.mark.parametrize("place", IN_RECONCILE)
def test_a_reconciliation_killed_is_resumed(shop: Shop, place: str) -> None:
    """Row 12: a payment nobody told of is found, however often the walk dies."""
    shop.emulator.drop_webhooks()
    orders = [shop.place() for _ in range(2)]
    for placed in orders:
        shop.emulator.pay(placed.session_id)
    name = "reconcile" if place.startswith("session") else "reconcile-month"
    let_leases_end(shop)

    assert die(shop, place, "job", name)
    let_leases_end(shop)
    shop.run_job(name)

    assert all(shop.history(one.id) == ["created", "paid"] for one in orders)
    everything_agrees(shop)


@pytest.mark.parametrize("place", IN_REFUNDS)
def test_reading_refunds_killed_is_repeated(shop: Shop, place: str) -> None:
    """Row 55: each refund is counted once, whoever read it."""
    placed = shop.place()
    shop.pay(placed)
    shop.emulator.drop_webhooks("refund.*")
    refund(shop, placed, 700)

    assert die(shop, place, "job", "read-refunds")
    everything_agrees(shop)

    assert shop.order(placed.id)["amount_refunded"] == 700


@pytest.mark.parametrize("place", IN_PAYING_AGAIN)
def test_paying_again_killed_can_be_tried_again(shop: Shop, place: str) -> None:
    """Row 27: an order has one open page, however often it is asked for."""
    placed = shop.place()
    shop.emulator.drop_webhooks()
    if place.startswith("another"):
        shop.let_deadline_pass(placed.id)
        shop.run_job("expire-orders")
    else:
        shop.emulator.expire(placed.session_id)

    assert die(shop, place, "pay_again", placed.id)
    let_leases_end(shop)
    assert not die(shop, "nowhere", "pay_again", placed.id)

    open_pages = [
        one for one in shop.emulator.ledger()["sessions"] if one["status"] == "open"
    ]
    assert len(open_pages) == 1
    everything_agrees(shop)


def refund(shop: Shop, placed: Placed, amount: int) -> None:
    """Refund at Stripe's own dashboard, and let it tell."""
    dashboard = stripe.StripeClient(
        "sk_test_of_the_owner", base_addresses={"api": shop.emulator.url}
    )
    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": amount})
    shop.emulator.wait()
