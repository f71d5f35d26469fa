"""Random histories of the whole shop: after every one of them all books agree.

Hypothesis chooses what customers, Stripe, the mail server, jobs and kill -9 do. When a
history is over, faults end, what was held arrives, the jobs run, and then the checker
has nothing to say. MACHINE_STEPS makes the run longer, in shards that workers share;
MACHINE_SHRINK=1 looks for a shorter history that fails too.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from requests import Response

from tests.faults.dying import let_leases_end
from tests.faults.machine_stripe import (
    FAILS_LATER,
    WAITS_FIRST,
    pay_again,
    post_event,
)
from tests.faults.machine_world import (
    JOBS,
    MAIL_MOODS,
    STRIPE,
    WEBHOOKS,
    WELL,
    Wish,
    World,
    running_world,
)
from tests.faults.test_kills import (
    AT_CHECKOUT,
    IN_EXPIRY,
    IN_LETTERS,
    IN_LOST_EXPIRY,
    IN_PAYING_AGAIN,
    IN_RECONCILE,
    IN_REFUNDS,
    IN_WEBHOOK,
)
from tests.fixtures.figures import Figure
from tests.fixtures.shards import shards
from tests.fixtures.shop import READING, Shop

STEPS = int(os.environ.get("MACHINE_STEPS", "3000"))
SHARDS = shards(STEPS, most=1500)
# In each round of the run, and steps in each history: long ones cost least.
HISTORIES, LENGTH = 5, 60
PRODUCTS = (READING, "almanac-2027-digital", "almanac-2027-printed", "reading-in-yen")
CARDS = ("4242424242424242", FAILS_LATER, WAITS_FIRST)
IN_BACKGROUND = [
    *(("webhook", place) for place in IN_WEBHOOK),
    *(("send-mail", place) for place in IN_LETTERS),
    *(("expire-orders", place) for place in (*IN_EXPIRY, *IN_LOST_EXPIRY)),
    *(("reconcile", place) for place in IN_RECONCILE),
    *(("reconcile-month", place) for place in IN_RECONCILE[1:]),
    *(("read-refunds", place) for place in IN_REFUNDS),
]
# The refunds of cards with a fate meet it after so long; more would part the clocks of
# Stripe and the database further than they part in life.
UNTIL_REFUNDS_TURN = 31

any_number = st.integers(0, 30)


class ShopMachine(RuleBasedStateMachine):
    """What may happen, one thing after the other."""

    wishes: Bundle[Wish] = Bundle("wishes")

    def __init__(self, world: World) -> None:
        """Begin with an empty shop."""
        super().__init__()
        self.world = world
        self.shop = world.shop
        self.wished = 0
        self.has_advanced = False
        world.begin()

    def teardown(self) -> None:
        """Let everything come to rest, and compare all books."""
        self.world.come_to_rest()
        assert self.world.disagreements() == []

    # Customers

    @initialize(target=wishes, webhooks=st.sampled_from((WELL, "are held")))
    def a_first_order(self, webhooks: str) -> Wish:
        self.world.set_webhooks(webhooks, 12)
        return self.new_wish(READING, 1)

    @initialize(target=wishes, card=st.sampled_from(CARDS))
    def a_first_sale(self, card: str) -> Wish:
        return self.new_sale(READING, card)

    @rule(
        target=wishes,
        product=st.sampled_from(PRODUCTS),
        quantity=st.integers(1, 2),
    )
    def wish(self, product: str, quantity: int) -> Wish:
        wish = self.new_wish(product, quantity)
        self.did()
        return wish

    @rule(target=wishes, product=st.sampled_from(PRODUCTS), card=st.sampled_from(CARDS))
    def buy(self, product: str, card: str) -> Wish:
        wish = self.new_sale(product, card)
        self.did()
        return wish

    @rule(wish=wishes)
    def ask_again(self, wish: Wish) -> None:
        self.ask(wish)
        self.did()

    @rule(wish=wishes)
    def ask_for_more_under_the_same_key(self, wish: Wish) -> None:
        if self.world.order_of(wish):
            assert self.send(wish, more=1).status_code == 422
        self.did()

    @rule(wish=wishes, later=st.booleans())
    def look_at_the_page(self, wish: Wish, later: bool) -> None:
        order = self.world.order_of(wish)
        if later:
            self.world.let_leases_end()
        if order:
            page = f"/orders/{order['page_token']}"
            assert self.shop.get(page).status_code == 200
            assert self.shop.get(f"{page}/status").status_code in (200, 204)
        self.did()

    @rule(wish=wishes)
    def pay_again(self, wish: Wish) -> None:
        order = self.world.order_of(wish)
        if order:
            answer = pay_again(self.shop, order["page_token"])
            assert answer.status_code in (303, 503), answer.text[:500]
        self.did()

    # Stripe

    @rule(
        which=any_number,
        outcome=st.sampled_from(("paid", "paid", "paid", "declined", "delayed")),
        card=st.sampled_from(CARDS),
    )
    def pay(self, which: int, outcome: str, card: str) -> None:
        given = {"card": card} if outcome == "paid" else {}
        self.world.pay(which, outcome, **given)
        self.did()

    @rule(which=any_number, succeeds=st.booleans())
    def the_bank_decides(self, which: int, succeeds: bool) -> None:
        if payment := self.world.find(which, "payment_intents", "processing"):
            session = self.world.session_of(payment)
            outcome = "delayed_succeeds" if succeeds else "delayed_fails"
            self.shop.emulator.pay(session["id"], outcome)
        self.did()

    @rule(which=any_number)
    def a_session_expires(self, which: int) -> None:
        if session := self.world.find(which, "sessions", "open"):
            self.shop.emulator.expire(session["id"])
        self.did()

    @rule(which=any_number, part=st.sampled_from((None, 1000, 2500)))
    def refund(self, which: int, part: int | None) -> None:
        self.world.refund(which, part)
        self.did()

    @rule(which=any_number, part=st.sampled_from((None, 2500)))
    def refund_in_vain(self, which: int, part: int | None) -> None:
        self.world.refund(which, part)
        self.world.let_refund_fail(0)
        self.did()

    @rule(which=any_number)
    def a_refund_fails(self, which: int) -> None:
        self.world.let_refund_fail(which)
        self.did()

    @rule(which=any_number)
    def a_refund_comes_through(self, which: int) -> None:
        if refund := self.world.find(which, "refunds", "pending"):
            self.shop.emulator.turn_refund(refund["id"], "succeeded")
        self.did()

    @rule(which=any_number, inquiry=st.booleans())
    def dispute(self, which: int, inquiry: bool) -> None:
        charge = self.world.find(which, "charges", "succeeded")
        if charge and not charge["disputed"]:
            self.shop.emulator.dispute(charge["id"], inquiry=inquiry)
        self.did()

    @rule(which=any_number, outcome=st.sampled_from(("won", "lost")))
    def a_dispute_ends(self, which: int, outcome: str) -> None:
        if dispute := self.world.find(which, "disputes", "needs_response"):
            self.shop.emulator.close_dispute(dispute["id"], outcome)
        self.did()

    @rule(which=any_number, copies=st.integers(1, 3), together=st.booleans())
    def an_event_comes_again(self, which: int, copies: int, together: bool) -> None:
        if event := self.world.find(which, "events"):
            self.shop.emulator.resend(event["id"], copies, together=together)
        self.did()

    @rule(which=any_number)
    def old_news_is_told_anew(self, which: int) -> None:
        if event := self.world.find(which, "events"):
            twin = {**event, "id": f"{event['id']}_{self.world.steps}"}
            assert post_event(self.shop.http, self.shop, twin) in (200, 503)
        self.did()

    @rule(which=any_number, wish=wishes, job=st.sampled_from(JOBS))
    def three_doors_at_once(self, which: int, wish: Wish, job: str) -> None:
        self.world.let_leases_end()
        order, event = self.world.order_of(wish), self.world.find(which, "events")
        doors: list[Callable[[], Any]] = [partial(self.world.run_job, job)]
        if order:
            doors.append(partial(self.shop.get, f"/orders/{order['page_token']}"))
        if event:
            doors.append(partial(self.shop.emulator.resend, event["id"], 2))
        with ThreadPoolExecutor(len(doors)) as pool:
            for done in [pool.submit(door) for door in doors]:
                done.result()
        self.did()

    # Faults

    @rule(mood=st.sampled_from((WELL, *STRIPE)), calls=st.integers(1, 6))
    def stripe_is(self, mood: str, calls: int) -> None:
        self.world.set_stripe(mood, calls)
        self.did()

    @rule(mood=st.sampled_from((WELL, WELL, *WEBHOOKS)), times=st.integers(1, 12))
    def webhooks(self, mood: str, times: int) -> None:
        self.world.set_webhooks(mood, times)
        self.did()

    @rule(mood=st.sampled_from(MAIL_MOODS), times=st.integers(1, 3))
    def mail_is(self, mood: str, times: int) -> None:
        self.world.set_mail(mood, times)
        self.did()

    @rule()
    def the_inbox_is_pruned(self) -> None:
        self.shop.rows("DELETE FROM stripe_events WHERE outcome IS NOT NULL")
        self.did()

    # Jobs and time

    @rule(name=st.sampled_from(JOBS))
    def a_job_runs(self, name: str) -> None:
        self.world.run_job(name)
        self.did()

    @rule(wish=wishes)
    def the_deadline_passes(self, wish: Wish) -> None:
        order = self.world.order_of(wish)
        if order and order["expires_at"]:
            self.shop.let_deadline_pass(str(order["id"]))
        self.did()

    @precondition(lambda self: not self.has_advanced)
    @rule()
    def refunds_meet_their_fate(self) -> None:
        self.shop.emulator.advance(UNTIL_REFUNDS_TURN)
        self.has_advanced = True
        self.did()

    # kill -9

    @rule(target=wishes, place=st.sampled_from(AT_CHECKOUT))
    def a_checkout_dies(self, place: str) -> Wish:
        wish = self.next_wish(READING, 1)
        self.world.die(place, "ask_for", wish.key, wish.body())
        self.did()
        return wish

    @rule(wish=wishes, place=st.sampled_from((*IN_PAYING_AGAIN, *AT_CHECKOUT[4:8])))
    def paying_again_dies(self, wish: Wish, place: str) -> None:
        if order := self.world.order_of(wish):
            self.world.die(place, "pay_again", str(order["id"]))
        self.did()

    @rule(where=st.sampled_from(IN_BACKGROUND), which=any_number)
    def something_dies(self, where: tuple[str, str], which: int) -> None:
        what, place = where
        self.world.let_leases_end()
        if what != "webhook":
            self.world.die(place, "job", what)
        elif event := self.world.find(which, "events"):
            self.world.die(place, "webhook", json.dumps(event).encode())
        self.did()

    # How it is done

    def next_wish(self, product: str, quantity: int) -> Wish:
        self.wished += 1
        return Wish(f"wish {self.wished}", product, quantity)

    def new_wish(self, product: str, quantity: int) -> Wish:
        wish = self.next_wish(product, quantity)
        self.ask(wish)
        return wish

    def new_sale(self, product: str, card: str) -> Wish:
        wish = self.new_wish(product, 1)
        self.world.pay(0, "paid", card=card)
        return wish

    def ask(self, wish: Wish) -> None:
        """Check out; one key leads to one order, and what is promised is kept."""
        answer = self.send(wish)
        assert answer.status_code in (201, 409, 503), answer.text[:500]
        if answer.status_code == 201:
            order_id = answer.json()["order_id"]
            assert self.world.promised.setdefault(wish.key, order_id) == order_id

    def send(self, wish: Wish, more: int = 0) -> Response:
        headers = {"Idempotency-Key": wish.key}
        return self.shop.post("/api/checkout", json=wish.body(more), headers=headers)

    def did(self) -> None:
        """Let arrive what this step has sent, so that a history can be repeated."""
        self.world.wait()
        self.world.steps += 1


def one_round() -> settings:
    """Give how many histories a round has, and what becomes of one that fails."""
    shrinks = os.environ.get("MACHINE_SHRINK") == "1"
    return settings(
        max_examples=HISTORIES,
        stateful_step_count=LENGTH,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.long
@pytest.mark.no_cover  # it would take half as long again
@pytest.mark.timeout(120 + STEPS // len(SHARDS))
@pytest.mark.parametrize("shard", SHARDS)
def test_whatever_happens_all_books_agree_in_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, figure: Figure, shard: int
) -> None:
    """Rows 2, 3, 7, 11, 17, 18, 20 to 23, 25, 30, 33, 37 to 39, 41, 54 and 55.

    The number of a round is its seed: the same number is the same histories.
    """
    with running_world(shop, monkeypatch) as world:
        for number in count(shard, step=len(SHARDS)):
            machine: Any = seed(number)(lambda: ShopMachine(world))
            run_state_machine_as_test(machine, settings=one_round())
            if world.steps >= STEPS // len(SHARDS):
                break
    for name, value in world.figures().items():
        figure(f"stateful machine: {name}", value)


# Minimal histories, each of which once ended otherwise.


def test_a_key_under_which_stripe_repeats_its_failure_stops_no_other_order(
    shop: Shop,
) -> None:
    """Row 24: Stripe answers 500 and replays it for that key, for a day."""
    create = {"method": "POST", "path": "/v1/checkout/sessions"}
    shop.emulator.fail(500, kept=True, **create)
    assert shop.checkout(key="unlucky").status_code == 503
    shop.emulator.set_faults()
    others = [shop.place() for _ in range(3)]
    shop.rows("UPDATE orders SET expires_at = now() - interval '1 minute'")

    for _ in range(3):
        let_leases_end(shop)
        shop.run_job("expire-orders")

    assert [shop.order(one.id)["status"] for one in others] == ["canceled"] * 3


def test_a_customer_goes_on_after_stripe_has_failed_for_good_under_a_key(
    shop: Shop,
) -> None:
    """Row 24: the same key of the client leads to another key at Stripe, in the end."""
    create = {"method": "POST", "path": "/v1/checkout/sessions"}
    shop.emulator.fail(500, kept=True, **create)
    assert shop.checkout(key="unlucky").status_code == 503
    shop.emulator.set_faults()

    answers = [shop.checkout(key="unlucky").status_code for _ in range(3)]

    assert answers[-1] == 201
