"""Whatever order Stripe's news comes in, and however often: the same end."""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import permutations
from math import ceil
from uuid import uuid4

import pytest
import requests

from storefront.checkout.settle_order import settle_dispute, settle_refund
from storefront.gateway.reading import read_dispute, read_refund
from storefront.orders.models import AttemptState, OrderStatus, RefundState
from storefront.orders.status import derive_status, furthest, settling, standing
from storefront.transaction import transaction
from tests.factories.events import JsonObject
from tests.faults.machine_stripe import (
    WAITS_FIRST,
    Account,
    post_event,
    second_session,
)
from tests.fixtures.figures import Figure
from tests.fixtures.shards import shards
from tests.fixtures.shop import Placed, Shop

PERMUTATIONS = int(os.environ.get("PERMUTATIONS", "100"))
SHARDS = shards(PERMUTATIONS, most=200)
TOTAL = 8000

# What can be known of one order, piece by piece, as pure facts.


@dataclass(frozen=True)
class Attempt:
    """How far one attempt at paying was seen."""

    position: int
    state: AttemptState


@dataclass(frozen=True)
class Refund:
    """How far one refund of one attempt's payment was seen."""

    id: str
    state: RefundState
    amount: int
    position: int = 0


Fact = Attempt | Refund
OPEN, PROCESSING = AttemptState.OPEN, AttemptState.PROCESSING
EXPIRED, FAILED = AttemptState.EXPIRED, AttemptState.FAILED
DISAGREES, PAID = AttemptState.DISAGREES, AttemptState.PAID
WAITING, RETURNED = RefundState.PENDING, RefundState.SUCCEEDED
BOUNCED = RefundState.FAILED

# name: the facts, the status they end in, and the sum returned
TALES: dict[str, tuple[tuple[Fact, ...], str, int]] = {
    "paid, three refunds in part": (
        (
            Attempt(0, OPEN),
            Attempt(0, PAID),
            Refund("a", WAITING, 1000),
            Refund("a", RETURNED, 1000),
            Refund("b", RETURNED, 2500),
            Refund("c", WAITING, 700),
        ),
        "paid",
        3500,
    ),
    "refunded in full by two": (
        (
            Attempt(0, PAID),
            Refund("a", WAITING, 3000),
            Refund("a", RETURNED, 3000),
            Refund("b", WAITING, 5000),
            Refund("b", RETURNED, 5000),
        ),
        "refunded",
        8000,
    ),
    "refunded in full, one fails, another takes its place": (
        (
            Attempt(0, PAID),
            Refund("a", RETURNED, 3000),
            Refund("b", RETURNED, 5000),
            Refund("b", BOUNCED, 5000),
            Refund("c", WAITING, 5000),
            Refund("c", RETURNED, 5000),
        ),
        "refunded",
        8000,
    ),
    "refunded in full, all of it fails": (
        (
            Attempt(0, OPEN),
            Attempt(0, PAID),
            Refund("a", WAITING, 3000),
            Refund("a", RETURNED, 3000),
            Refund("a", BOUNCED, 3000),
            Refund("b", RETURNED, 5000),
            Refund("b", RefundState.CANCELED, 5000),
        ),
        "paid",
        0,
    ),
    "a delayed payment comes": (
        (Attempt(0, OPEN), Attempt(0, PROCESSING), Attempt(0, PAID)),
        "paid",
        0,
    ),
    "a delayed payment fails, a second attempt is paid and refunded in part": (
        (
            Attempt(0, PROCESSING),
            Attempt(0, FAILED),
            Attempt(1, OPEN),
            Attempt(1, PROCESSING),
            Attempt(1, PAID),
            Refund("a", RETURNED, 100, position=1),
        ),
        "paid",
        100,
    ),
    "a delayed payment fails, a second attempt expires": (
        (
            Attempt(0, PROCESSING),
            Attempt(0, FAILED),
            Attempt(1, OPEN),
            Attempt(1, EXPIRED),
        ),
        "canceled",
        0,
    ),
    "expired, expired, and failed": (
        (
            Attempt(0, EXPIRED),
            Attempt(1, OPEN),
            Attempt(1, EXPIRED),
            Attempt(2, OPEN),
            Attempt(2, PROCESSING),
            Attempt(2, FAILED),
        ),
        "failed",
        0,
    ),
    "called expired, and paid after all": (
        (
            Attempt(0, OPEN),
            Attempt(0, EXPIRED),
            Attempt(0, PAID),
            Attempt(1, OPEN),
            Attempt(1, EXPIRED),
        ),
        "paid",
        0,
    ),
    "paid twice, the second payment is returned": (
        (
            Attempt(0, OPEN),
            Attempt(0, PAID),
            Attempt(1, OPEN),
            Attempt(1, PAID),
            Refund("a", WAITING, 8000, position=1),
            Refund("a", RETURNED, 8000, position=1),
            Refund("b", RETURNED, 200),
        ),
        "paid",
        200,
    ),
    "another amount than asked for": (
        (Attempt(0, OPEN), Attempt(0, DISAGREES), Attempt(0, EXPIRED)),
        "pending",
        0,
    ),
}


def end_of(facts: Iterable[Fact], attempts: int) -> tuple[OrderStatus, int]:
    """Learn the facts in this order; give the status and the sum returned."""
    states = [AttemptState.PREPARED] * attempts
    refunds: dict[str, Refund] = {}
    for fact in facts:
        if isinstance(fact, Attempt):
            states[fact.position] = furthest(states[fact.position], fact.state)
        else:
            known = refunds.get(fact.id, fact)
            state = furthest(known.state, fact.state)
            refunds[fact.id] = Refund(fact.id, state, fact.amount, fact.position)
    paid = settling(states)
    returned = sum(
        standing(one.state, one.amount)
        for one in refunds.values()
        if one.position == paid
    )
    return derive_status(states, TOTAL, returned), returned


@pytest.mark.parametrize("tale", TALES)
def test_all_permutations_of_the_facts_end_the_same(tale: str) -> None:
    """Rows 3, 5, 6, 7, 27 and 55: also when every fact is told again later."""
    facts, status, returned = TALES[tale]
    attempts = 1 + max(fact.position for fact in facts)

    for order in permutations(facts):
        for told in (order, order + order[::-1], order[::-1] + order):
            assert end_of(told, attempts) == (status, returned), told


# The same through the door that Stripe uses, with the events that the emulator makes.

Act = Callable[[Shop, Account, Placed], None]


def paid_and_partly_refunded(shop: Shop, account: Account, placed: Placed) -> None:
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    account.refund(payment, 1000)
    account.refund(payment, 2500)


def one_of_two_refunds_fails(shop: Shop, account: Account, placed: Placed) -> None:
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    account.refund(payment, 3000)
    failing = account.refund(payment)
    shop.emulator.turn_refund(failing["id"], "failed")


def a_failed_refund_is_made_again(shop: Shop, account: Account, placed: Placed) -> None:
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    failing = account.refund(payment, 3000)
    shop.emulator.turn_refund(failing["id"], "failed")
    account.refund(payment, 8000)


def delayed_and_paid(shop: Shop, account: Account, placed: Placed) -> None:
    shop.emulator.pay(placed.session_id, "delayed")
    shop.emulator.pay(placed.session_id, "delayed_succeeds")


def delayed_and_failed(shop: Shop, account: Account, placed: Placed) -> None:
    shop.emulator.pay(placed.session_id, "delayed")
    shop.emulator.pay(placed.session_id, "delayed_fails")


def declined_then_paid(shop: Shop, account: Account, placed: Placed) -> None:
    shop.emulator.pay(placed.session_id, "declined")
    shop.emulator.pay(placed.session_id)


def expired_then_paid_by_another(shop: Shop, account: Account, placed: Placed) -> None:
    shop.emulator.expire(placed.session_id)
    shop.emulator.pay(second_session(shop, account, placed))


def paid_twice(shop: Shop, account: Account, placed: Placed) -> None:
    lose_sight_of_its_session(shop)
    second = second_session(shop, account, placed)
    shop.emulator.drop_webhooks()
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    shop.emulator.pay(second)
    account.refund(payment, 500)


def disputed_and_lost(shop: Shop, account: Account, placed: Placed) -> None:
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    account.refund(payment, 700)
    dispute = shop.emulator.dispute(account.charge_of(payment)["id"])
    shop.emulator.close_dispute(dispute["id"], "lost")


def inquired_and_won(shop: Shop, account: Account, placed: Placed) -> None:
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    dispute = shop.emulator.dispute(account.charge_of(payment)["id"], inquiry=True)
    shop.emulator.move_dispute(dispute["id"], "needs_response")
    shop.emulator.close_dispute(dispute["id"], "won")


def lose_sight_of_its_session(shop: Shop) -> None:
    """Have Stripe not know, once, the session that it is asked about."""
    one_session = {"method": "GET", "path": "/v1/checkout/sessions/*", "times": 1}
    missing = {"status": 404, "code": "resource_missing"}
    shop.emulator.set_faults(
        {"where": "webhooks", "do": "drop"},
        {"where": "api", "do": "answer", **missing, **one_session},
    )


# what happens at Stripe, the status and the sum returned that it ends in
SCENARIOS: dict[str, tuple[Act, str, int]] = {
    "paid, refunds in part": (paid_and_partly_refunded, "paid", 3500),
    "refunded in full, one fails": (one_of_two_refunds_fails, "paid", 3000),
    "a refund fails, and is made again": (
        a_failed_refund_is_made_again,
        "refunded",
        8000,
    ),
    "delayed success": (delayed_and_paid, "paid", 0),
    "delayed failure": (delayed_and_failed, "failed", 0),
    "declined, then paid": (declined_then_paid, "paid", 0),
    "expired, then paid by another attempt": (expired_then_paid_by_another, "paid", 0),
    "paid twice": (paid_twice, "paid", 500),
    "disputed and lost": (disputed_and_lost, "paid", 700),
    "inquired about, disputed and won": (inquired_and_won, "paid", 0),
}


@dataclass(frozen=True)
class Told:
    """One order, with the deliveries that told of it, in the order they were sent."""

    placed: Placed
    refunds: list[JsonObject]
    deliveries: list[str]


@pytest.fixture
def account(shop: Shop) -> Iterator[Account]:
    """Give a hand at Stripe's own dashboard; nothing tells the shop of it."""
    shop.emulator.drop_webhooks()
    account = Account(shop)
    yield account
    account.close()


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("shard", SHARDS)
def test_events_in_any_order_end_the_same(
    shop: Shop, account: Account, figure: Figure, shard: int, scenario: str
) -> None:
    """Rows 2, 3, 6, 7, 27 and 55: shuffled, repeated, two at a time."""
    act, status, returned = SCENARIOS[scenario]
    count = ceil(PERMUTATIONS / len(SHARDS) / len(SCENARIOS))
    rounds = [random.Random(f"{scenario}, {shard}, {place}") for place in range(count)]

    tales = [tell(shop, account, act, dice) for dice in rounds]
    for job in ("read-refunds", "expire-orders", "send-mail"):
        shop.run_job(job)

    for told in tales:
        order = shop.order(told.placed.id)
        ended = (order["status"], order["amount_refunded"])
        assert ended == (status, returned), told.deliveries
        assert_each_once(shop, told, paid=status != "failed")
    assert shop.check() == []
    figure("orders of arrival through Postgres", count)


def tell(shop: Shop, account: Account, act: Act, dice: random.Random) -> Told:
    """Let it happen to a new order at Stripe, then tell the shop in some order."""
    before = account.last_event()
    placed = shop.place()
    act(shop, account, placed)
    events = account.events_after(before)
    refunds = [event for event in events if event["type"] == "refund.created"]
    pile = shuffled(events, dice)
    with ThreadPoolExecutor(2) as pool:
        for answers in pool.map(lambda half: send(shop, half), (pile[::2], pile[1::2])):
            assert set(answers) <= {200}, names(pile)
    return Told(placed, [event["data"]["object"] for event in refunds], names(pile))


def shuffled(events: list[JsonObject], dice: random.Random) -> list[JsonObject]:
    """Give the events in some order, some twice, some told by a second event too."""
    again = dice.choices(events, k=len(events) // 2)
    twins = [{**one, "id": f"evt_{uuid4().hex}"} for one in dice.choices(events, k=3)]
    pile = [*events, *again, *twins]
    dice.shuffle(pile)
    return pile


def send(shop: Shop, events: list[JsonObject]) -> list[int]:
    """Deliver events one after the other; give the answers' statuses."""
    with requests.Session() as http:
        http.trust_env = False
        return [post_event(http, shop, event) for event in events]


def names(pile: list[JsonObject]) -> list[str]:
    """Name deliveries, so that a failing order of them can be read."""
    return [
        f"{event['type']} {event['data']['object'].get('status')}" for event in pile
    ]


def assert_each_once(shop: Shop, told: Told, *, paid: bool) -> None:
    """Fail unless there is one paid, one refunded per refund, and one receipt."""
    assert shop.history(told.placed.id).count("paid") == paid, told.deliveries
    counted = amounts_by_refund(shop, told.placed)
    for refund in told.refunds:
        amounts = counted.pop(refund["id"], [])
        expected = [[refund["amount"]], [refund["amount"], -refund["amount"]], []]
        assert amounts in expected, told.deliveries
    assert counted == {}, told.deliveries
    receipts = shop.row(
        "SELECT count(*) AS n FROM letters WHERE order_id = %s AND kind = 'receipt'",
        told.placed.id,
    )
    assert receipts["n"] == paid, told.deliveries


def amounts_by_refund(shop: Shop, placed: Placed) -> dict[str, list[int]]:
    """Give what the history says of each refund."""
    rows = shop.rows(
        "SELECT event_metadata FROM order_events WHERE order_id = %s"
        " AND event_type = 'refunded' ORDER BY sequence",
        placed.id,
    )
    amounts: dict[str, list[int]] = {}
    for row in rows:
        told = row["event_metadata"]
        amounts.setdefault(told["refund"], []).append(told["amount"])
    return amounts


# Minimal histories, each of which once ended otherwise.


def everything_has_run(shop: Shop) -> None:
    for job in ("read-refunds", "expire-orders", "reconcile-month", "send-mail"):
        shop.run_job(job)


def test_a_refund_is_counted_that_stood_in_line_behind_one_that_failed(
    shop: Shop, account: Account
) -> None:
    """Rows 3 and 55: first heard of while pending, whole while another still stood."""
    placed = shop.place()
    payment = shop.emulator.pay(placed.session_id, card=WAITS_FIRST)["payment_intent"]
    first = account.refund(payment, 3000)
    for status in ("succeeded", "failed"):
        shop.emulator.turn_refund(first["id"], status)
    second = account.refund(payment, 8000)
    shop.emulator.turn_refund(second["id"], "succeeded")
    news = {
        (event["data"]["object"]["id"], event["data"]["object"]["status"]): event
        for event in shop.emulator.events()
        if event["type"] in ("refund.created", "refund.updated")
    }

    tell_all(shop, shop.emulator.events("checkout.session.completed"))
    tell_all(shop, [news[second["id"], "pending"], news[first["id"], "succeeded"]])
    tell_all(shop, [news[second["id"], "succeeded"], news[first["id"], "failed"]])
    everything_has_run(shop)

    assert shop.order(placed.id)["amount_refunded"] == 8000
    assert shop.check() == []


def test_a_refund_taken_in_at_the_moment_of_its_payment_is_counted(
    shop: Shop, account: Account
) -> None:
    """Row 3: the refund looks for its payment before, and is written after it."""
    placed = shop.place()
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    refund = account.refund(payment, 3000)

    seen = read_refund(refund)
    assert seen
    with payment_told_before_commit(shop):
        settle_refund(seen, "webhook")
    everything_has_run(shop)

    assert shop.order(placed.id)["amount_refunded"] == 3000
    assert shop.check() == []


def test_a_dispute_taken_in_at_the_moment_of_its_payment_is_told(
    shop: Shop, account: Account
) -> None:
    """Row 56: the dispute looks for its payment before, and is written after it."""
    placed = shop.place()
    payment = shop.emulator.pay(placed.session_id)["payment_intent"]
    dispute = shop.emulator.dispute(account.charge_of(payment)["id"])

    seen = read_dispute(dispute)
    assert seen
    with payment_told_before_commit(shop):
        settle_dispute(seen, "webhook")
    everything_has_run(shop)

    matters = shop.rows("SELECT reason, subject FROM matters")
    assert matters == [{"reason": "dispute opened", "subject": dispute["id"]}]


@contextmanager
def payment_told_before_commit(shop: Shop) -> Iterator[None]:
    """Open a transaction, and have the payment told of just before it is committed."""
    events = shop.emulator.events("checkout.session.completed")
    with ThreadPoolExecutor(1) as pool:
        with shop.app.app_context(), transaction():
            yield
            telling = pool.submit(tell_all, shop, events)
            # It is through by then, or waits for this transaction.
            wait([telling], timeout=1)
        telling.result()


def tell_all(shop: Shop, events: list[JsonObject]) -> None:
    """Deliver events in this order; every one is taken."""
    assert set(send(shop, events)) == {200}
