"""Any two who bring news of one order, in every order of their statements.

Contract 6.2 and 6.3: who comes first, who waits and who is overtaken must not matter.
`INTERLEAVINGS` says how many schedules are played over all pairs, in shards that
workers share; `INTERLEAVINGS_SEED` draws others.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any
from uuid import UUID

import pytest
import stripe

from storefront.checkout import reconcile
from storefront.checkout.ask_stripe import read_refunds
from storefront.checkout.expire_orders import expire_orders
from storefront.checkout.open_payment import open_payment
from storefront.checkout.reconcile import reconcile_month, reconcile_recent
from storefront.errors import OrderNotPayable
from storefront.scheduler.claims import database_time
from tests.factories.events import WEBHOOKS, sign
from tests.faults.interleaving import Stage, staged
from tests.fixtures.figures import Figure
from tests.fixtures.shards import shards
from tests.fixtures.shop import Placed, Shop

INTERLEAVINGS = int(os.environ.get("INTERLEAVINGS", "200"))
SHARDS = shards(INTERLEAVINGS, most=300)
SEED = int(os.environ.get("INTERLEAVINGS_SEED", "1"))
MOST_SWITCHES = 3
REFUNDED = 700
JOBS = ("read-refunds", "expire-orders", "reconcile")
AFTERWARDS = ("send-mail", "reconcile-month")


@dataclass(frozen=True)
class Scene:
    """An order on which two deeds meet, with what Stripe will tell of it."""

    shop: Shop
    placed: Placed
    payment: str | None = None

    def deliver(self, event: dict[str, Any]) -> None:
        """Deliver an event; it has to be taken."""
        body = json.dumps(event).encode()
        answer = self.shop.app.test_client().post(
            WEBHOOKS, data=body, headers={"Stripe-Signature": sign(body)}
        )
        assert answer.status_code == 200, answer.text

    def event(self, kind: str) -> dict[str, Any]:
        """Give what Stripe would tell: its latest event of a type about this order."""
        return [
            event
            for event in self.shop.emulator.events(kind)
            if {self.placed.session_id, self.payment}
            & {event["data"]["object"].get(name) for name in ("id", "payment_intent")}
        ][-1]


Act = Callable[[Scene], None]


def webhook(scene: Scene) -> None:
    """The session was completed; or expired, where nobody had paid."""
    state = scene.shop.emulator.session(scene.placed.session_id)["status"]
    ended = "expired" if state == "expired" else "completed"
    scene.deliver(scene.event(f"checkout.session.{ended}"))


def twin(scene: Scene) -> None:
    """The same news under another id: two endpoints, or an event made anew."""
    state = scene.shop.emulator.session(scene.placed.session_id)["status"]
    ended = "expired" if state == "expired" else "completed"
    told = scene.event(f"checkout.session.{ended}")
    scene.deliver({**told, "id": f"{told['id']}_twin"})


def payment(scene: Scene) -> None:
    """The PaymentIntent's own news."""
    scene.deliver(scene.event("payment_intent.succeeded"))


def customer(scene: Scene) -> None:
    """Somebody pays while the page is open, and Stripe tells of it."""
    session = scene.shop.emulator.session(scene.placed.session_id)
    if session["status"] == "open":
        scene.shop.emulator.pay(scene.placed.session_id)
    webhook(scene)


def page(scene: Scene) -> None:
    """The customer comes back, and the page asks Stripe."""
    answer = scene.shop.app.test_client().get(f"/orders/{scene.placed.token}")
    assert answer.status_code == 200


def expiry(scene: Scene) -> None:
    """The deadline has passed."""
    with scene.shop.app.app_context():
        expire_orders(database_time(), lambda: True)


def refund(scene: Scene) -> None:
    """The owner has returned a part, at Stripe."""
    scene.deliver(scene.event("refund.created"))


def refunds_read(scene: Scene) -> None:
    """The charge's hint, and the job that follows it."""
    scene.deliver(scene.event("charge.refunded"))
    with scene.shop.app.app_context():
        read_refunds(database_time(), lambda: True)


def dispute(scene: Scene) -> None:
    """The customer's bank asks for the money back."""
    scene.deliver(scene.event("charge.dispute.created"))


def reconciliation(scene: Scene) -> None:
    """The walk through the books of the last hours."""
    with scene.shop.app.app_context():
        reconcile_recent(database_time(), lambda: True)


def month(scene: Scene) -> None:
    """The nightly walk, which may meet the other one."""
    with scene.shop.app.app_context():
        reconcile_month(database_time(), lambda: True)


def retry(scene: Scene) -> None:
    """The customer wants to pay, once more or for the first time."""
    with scene.shop.app.app_context(), suppress(OrderNotPayable):
        open_payment(UUID(scene.placed.id))


def paid_and_untold(shop: Shop, *acts: Act) -> Scene:
    """Paid at Stripe, overdue here; nobody has told yet, nor of what follows."""
    placed = asked_long_ago(shop, shop.place())
    shop.let_deadline_pass(placed.id)
    shop.emulator.pay(placed.session_id)
    return moved_at_stripe(shop, placed, acts)


def paid_and_told(shop: Shop, *acts: Act) -> Scene:
    """Paid, as we know; what followed we do not."""
    placed = asked_long_ago(shop, shop.place())
    shop.emulator.pay(placed.session_id)
    webhook(Scene(shop, placed))
    return moved_at_stripe(shop, placed, acts)


def open_and_overdue(shop: Shop, *_: Act) -> Scene:
    """Nobody has paid in time; the page is still open."""
    placed = asked_long_ago(shop, shop.place())
    shop.let_deadline_pass(placed.id)
    return Scene(shop, placed)


def given_up(shop: Shop, *_: Act) -> Scene:
    """Expired at Stripe and canceled here; Stripe's own news is on its way."""
    scene = open_and_overdue(shop)
    expiry(scene)
    return scene


State = Callable[..., Scene]
MEET: dict[State, tuple[Act, ...]] = {
    paid_and_untold: (
        webhook,
        twin,
        payment,
        page,
        expiry,
        refund,
        refunds_read,
        dispute,
        reconciliation,
        retry,
    ),
    paid_and_told: (webhook, refund, refunds_read, dispute, reconciliation, retry),
    open_and_overdue: (customer, page, expiry, reconciliation, retry),
    given_up: (webhook, twin, page, reconciliation, retry),
}
# One name holds each of these walks; the other walk may run beside it.
BESIDE = {reconciliation: month}
CASTS = [
    (state, first, [BESIDE.get(first, first), *acts[place + 1 :]])
    for state, acts in MEET.items()
    for place, first in enumerate(acts)
]
PAIRS = sum(len(others) for _, _, others in CASTS)
# So often each pair meets in each shard.
EACH = ceil(INTERLEAVINGS / len(SHARDS) / PAIRS)
# So many borders a deed passes, about: switches are drawn from these.
BORDERS = {reconciliation: 45, month: 45, retry: 25, expiry: 30, refunds_read: 40}
USUAL_BORDERS = 20


def asked_long_ago(shop: Shop, placed: Placed) -> Placed:
    """Let nobody hold back because somebody else has just asked Stripe."""
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
    return placed


def moved_at_stripe(shop: Shop, placed: Placed, acts: Sequence[Act]) -> Scene:
    """Have a payment refunded in part, or disputed, if one of the deeds is about it.

    Only then: the news of one would mend what the other has missed.
    """
    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    if {refund, refunds_read}.intersection(acts):
        dashboard = stripe.StripeClient(
            "sk_test_of_the_owner", base_addresses={"api": shop.emulator.url}
        )
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": REFUNDED})
    if dispute in acts:
        shop.emulator.dispute(shop.emulator.charge_of(placed.session_id)["id"])
    return Scene(shop, placed, intent)


@pytest.fixture
def stage(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give a stage before a shop that hears of nothing by itself."""
    monkeypatch.setattr(reconcile, "PAUSE_SECONDS", 0)
    shop.emulator.hold_webhooks()
    with staged(shop.app, shop.database_url) as stage:
        yield stage


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("state", "first", "others"),
    CASTS,
    ids=lambda one: getattr(one, "__name__", "others"),
)
@pytest.mark.parametrize("shard", SHARDS)
def test_two_who_meet_end_where_each_alone_would(
    shop: Shop,
    stage: Stage,
    figure: Figure,
    shard: int,
    state: State,
    first: Act,
    others: list[Act],
) -> None:
    """Rows 18 and 29: whoever wins, the state, the history and the letters agree."""
    wrong = []
    for second in others:
        names = f"{state.__name__} {first.__name__} {second.__name__}"
        chance = random.Random(f"{SEED} {shard} {names}")
        for begun in range(0, EACH, 2):
            scenes = {}
            for turn in range(begun, min(begun + 2, EACH)):
                acts = [first, second][:: 1 if turn % 2 else -1]
                legs = switches(chance, acts)
                scene = state(shop, *acts)
                told = f"{names}, begun by {acts[0].__name__}, turns after {legs}"
                scenes[told] = scene
                wrong += [f"{told}: {why}" for why in played(stage, scene, acts, legs)]
            for job in JOBS:
                shop.run_job(job)
            wrong += [
                f"{told}: {why}"
                for told, scene in scenes.items()
                for why in disagreements(scene)
            ]
    assert wrong == []
    for job in AFTERWARDS:
        shop.run_job(job)
    assert shop.check() == []
    figure("forced interleavings", EACH * len(others))


def played(
    stage: Stage, scene: Scene, acts: Sequence[Act], legs: Sequence[int]
) -> list[str]:
    """Play one schedule; give what either was told instead of an end."""
    try:
        stage.play([partial(act, scene) for act in acts], legs)
    except Exception as error:
        return [f"{type(error).__name__}: {str(error)[:300]}"]
    return []


def switches(chance: random.Random, acts: list[Act]) -> list[int]:
    """Draw after how many borders the turn passes, at most three times."""
    count = chance.randint(1, MOST_SWITCHES)
    return [
        chance.randint(1, BORDERS.get(acts[leg % 2], USUAL_BORDERS))
        for leg in range(count)
    ]


def disagreements(scene: Scene) -> Iterator[str]:
    """Compare an order with what the ledger says; everything is there, and once."""
    shop, order_id = scene.shop, scene.placed.id
    ledger = shop.emulator.ledger("sessions", "refunds", "disputes")
    sessions = [
        session
        for session in ledger["sessions"]
        if session["client_reference_id"] == order_id
    ]
    paid = sum(session["payment_status"] == "paid" for session in sessions)
    refunds = [one["amount"] for one in ledger["refunds"] if paid_by(scene, one)]
    disputes = sum(paid_by(scene, one) for one in ledger["disputes"])
    rows = shop.rows(
        "SELECT kind::text FROM letters WHERE order_id = %s"
        " UNION ALL SELECT event_type::text FROM order_events WHERE order_id = %s"
        " UNION ALL SELECT reason FROM matters WHERE order_id = %s",
        *[order_id] * 3,
    )
    counted = Counter(row["kind"] for row in rows)
    expected = {
        "paid": paid,
        "receipt": paid,
        "refunded": len(refunds),
        "refund": len(refunds),
        "dispute opened": disputes,
    }
    for kind, count in expected.items():
        if counted[kind] != count:
            yield f"{kind} {counted[kind]} times, not {count}"
    order = shop.order(order_id)
    if order["amount_refunded"] != sum(refunds):
        yield f"{order['amount_refunded']} refunded, not {sum(refunds)}"
    if paid > 1 or sum(session["status"] == "open" for session in sessions) > 1:
        yield "it could be paid twice"
    if (order["status"] == "paid") != bool(paid):
        yield f"it is {order['status']}"


def paid_by(scene: Scene, one: dict[str, Any]) -> bool:
    """Tell whether a refund or dispute is about the order's payment."""
    return scene.payment is not None and one["payment_intent"] == scene.payment
