"""The world of the random test: the shop, its neighbours, and what goes wrong there."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from storefront.demo.books import read_books
from storefront.demo.check import check
from storefront.demo.mailbox import Letter
from storefront.demo.mailbox.smtp import Command
from storefront.extensions import Model
from tests.factories.events import JsonObject
from tests.faults.dying import let_leases_end
from tests.faults.machine_kills import Mortals, be_quick
from tests.faults.machine_stripe import Account
from tests.faults.truth import doubled_sessions, odd_statuses
from tests.fixtures.shop import CUSTOMER, Shop

# What the shelf is made of stays between histories.
SHELF = frozenset({"products", "product_files", "sellers"})
# All that the shop asks Stripe for; the owner's dashboard works on in any case.
CALLS: tuple[JsonObject, ...] = (
    {"path": "/v1/checkout/*"},
    {"path": "/v1/refunds", "method": "GET"},
    {"path": "/v1/charges", "method": "GET"},
    {"path": "/v1/disputes", "method": "GET"},
)
STRIPE: dict[str, JsonObject] = {
    "is down": {"do": "answer", "status": 503},
    "is overloaded": {"do": "answer", "status": 429},
    "fails after the deed": {"do": "answer", "status": 500, "when": "after"},
    "hangs up": {"do": "reset"},
    "hangs up after the deed": {"do": "reset", "when": "after"},
    "is slow": {"do": "delay", "ms": 30},
    "talks nonsense": {"do": "rewrite", "members": {"status": "odd", "url": None}},
}
WEBHOOKS: dict[str, JsonObject] = {
    "are held": {"do": "hold"},
    "are lost": {"do": "drop"},
    "of sessions are lost": {"do": "drop", "type": "checkout.session.*"},
    "of refunds are lost": {"do": "drop", "type": "refund.*"},
    "come twice": {"do": "duplicate"},
    "have twins": {"do": "twin"},
    "come together": {"do": "concurrent", "copies": 3},
    "come backwards": {"do": "reorder"},
    "come before the answer": {"do": "before_answer"},
    "come among others'": {"do": "foreign"},
    "are spoiled once": {"do": "wrong_secret"},
}
MAIL: dict[str, tuple[Command, str]] = {
    "is asked for patience": ("RCPT", "451 Try again later"),
    "is refused": ("RCPT", "550 No such user"),
    "is cut short": ("RCPT", "421 Closing"),
    "is refused at its end": ("DATA", "554 Not wanted"),
}
JOBS = ("read-refunds", "expire-orders", "reconcile", "reconcile-month", "send-mail")
WELL = "well"
ALL_DEADLINES_PASS = """
    UPDATE orders SET expires_at = now() - interval '1 minute'
    WHERE status = 'pending' AND expires_at IS NOT NULL
"""
MAIL_MOODS = (WELL, "goes nowhere", "loses its reply", *MAIL)


@dataclass(frozen=True)
class Wish:
    """What a customer wants, under the key that the client sends it with."""

    key: str
    product: str
    quantity: int

    def body(self, more: int = 0) -> JsonObject:
        """Give the body to check out with; `more` of it makes another wish."""
        item = {"service_id": self.product, "quantity": self.quantity + more}
        return {"items": [item], "customer": CUSTOMER}


@dataclass
class World:
    """One shop for all histories, begun anew for each."""

    shop: Shop
    account: Account
    mortals: Mortals
    promised: dict[str, str] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    stripe: list[JsonObject] = field(default_factory=list)
    webhooks: list[JsonObject] = field(default_factory=list)
    steps: int = 0
    histories: int = 0
    deaths: int = 0
    ended: Counter[str] = field(default_factory=Counter)

    # What happens

    def begin(self) -> None:
        """Forget the history before this one."""
        self.shop.emulator.post("reset", endpoints=False)
        self.shop.mailbox.clear()
        tables = [name for name in Model.metadata.tables if name not in SHELF]
        deletions = ";".join(f"DELETE FROM {name}" for name in tables)  # noqa: S608
        self.shop.rows(f"SET LOCAL session_replication_role = replica; {deletions}")
        self.promised.clear()
        self.letters.clear()
        self.stripe, self.webhooks = [], []
        self.histories += 1

    def set_stripe(self, mood: str, calls: int) -> None:
        """Have Stripe's API do this to so many of the next calls of each kind."""
        fault = STRIPE.get(mood)
        usual = {"where": "api", "times": calls}
        self.stripe = [{**usual, **fault, **call} for call in CALLS] if fault else []
        self._set_faults()

    def set_webhooks(self, mood: str, times: int) -> None:
        """Have this done to the next webhooks; when all is well, what was held goes."""
        fault = WEBHOOKS.get(mood)
        usual = {"where": "webhooks", "times": times}
        self.webhooks = [{**usual, **fault}] if fault else []
        if not fault:
            self.shop.emulator.release_webhooks()
        self._set_faults()
        self.wait()

    def _set_faults(self) -> None:
        self.shop.emulator.set_faults(*self.stripe, *self.webhooks)

    def set_mail(self, mood: str, times: int) -> None:
        """Have this become of mail: the next letters, or until told otherwise."""
        if mood == WELL:
            self.mend_mail()
        elif mood == "goes nowhere":
            self.shop.mailbox.refuse()
        elif mood == "loses its reply":
            self.shop.mailbox.lose_reply(times)
        else:
            command, reply = MAIL[mood]
            self.shop.mailbox.answer(reply, command, times)

    def pay(self, which: int, outcome: str, **given: str) -> None:
        """Pay an open session, if there is one."""
        if session := self.find(which, "sessions", "open"):
            self.shop.emulator.pay(session["id"], outcome, **given)

    def refund(self, which: int, part: int | None) -> None:
        """Refund a payment, or part of it, if there is one and Stripe lets us."""
        if payment := self.find(which, "payment_intents", "succeeded"):
            self.account.refund(payment["id"], part)

    def let_refund_fail(self, which: int) -> None:
        """Have a refund fail after all, if there is one."""
        if refund := self.find(which, "refunds", "pending", "succeeded"):
            self.shop.emulator.turn_refund(refund["id"], "failed")

    def mend_mail(self) -> None:
        """Let mail go out again; what arrived so far is kept here."""
        self.letters += self.shop.mailbox.letters
        self.shop.mailbox.clear()

    def wait(self) -> None:
        """Let arrive what is on its way."""
        self.shop.emulator.wait()

    def run_job(self, name: str) -> int:
        """Run a job; a process that died with it in hand has lost it by now."""
        self.shop.rows("UPDATE scheduled_jobs SET leased_until = NULL")
        return self.shop.run_job(name)

    def die(self, place: str, deed: str, *arguments: Any) -> bool:
        """Have a deed die at a place, if it comes by there."""
        died = self.mortals.die(place, deed, *arguments)
        self.deaths += died
        self.wait()
        return died

    def let_leases_end(self) -> None:
        """Let some time pass: what the dead held is free, and Stripe may be asked."""
        let_leases_end(self.shop)

    # What is

    def order_of(self, wish: Wish) -> JsonObject | None:
        """Give the order that a wish has become, if it has."""
        rows = self.shop.rows(
            "SELECT o.* FROM orders o JOIN checkout_requests r ON r.order_id = o.id"
            " WHERE r.key = %s",
            f"api:{wish.key}",
        )
        return rows[0] if rows else None

    def find(self, which: int, table: str, *statuses: str) -> JsonObject | None:
        """Find one of Stripe's objects, counted from the newest, if there are any."""
        rows = self.shop.emulator.ledger(table)[table]
        found = [row for row in rows if not statuses or row["status"] in statuses]
        return found[-1 - which % len(found)] if found else None

    def session_of(self, payment: JsonObject) -> JsonObject:
        """Give the session that a payment was made at."""
        sessions: list[JsonObject] = self.shop.emulator.ledger("sessions")["sessions"]
        return next(one for one in sessions if one["payment_intent"] == payment["id"])

    def figures(self) -> dict[str, int]:
        """Tell how much has happened in all histories."""
        done = {
            "steps": self.steps,
            "histories": self.histories,
            "kills": self.deaths,
        }
        return done | self.ended

    # How it ends

    def come_to_rest(self) -> None:
        """End all faults, deliver what was held, and run the jobs until quiet."""
        self.stripe, self.webhooks = [], []
        self.mend_mail()
        self.let_leases_end()
        self.shop.emulator.release_webhooks()
        self.wait()
        if self.histories % 4 < 2:
            self.shop.rows(ALL_DEADLINES_PASS)
        # What the one job misses the other must not heal: they take turns.
        walk = ("reconcile", "reconcile-month")[self.histories % 2]
        for name in ("read-refunds", walk, "expire-orders", "send-mail"):
            self.run_job(name)

    def disagreements(self) -> list[str]:
        """Give a sentence for everything that is not as it has to be."""
        letters = [*self.letters, *self.shop.mailbox.letters]
        ledger = self.shop.emulator.ledger()
        books = read_books(self.shop.database_url, ledger, letters)
        return [
            *check(books),
            *self._broken_promises(),
            *doubled_sessions(ledger),
            *self._odd_statuses(ledger),
        ]

    def _broken_promises(self) -> Iterator[str]:
        """Tell of orders that were acknowledged and are not there, or are there twice.

        11: no 201 is forgotten. 5: one key never makes two orders.
        """
        rows = self.shop.rows("SELECT key, order_id FROM checkout_requests")
        kept = {row["key"]: row["order_id"] for row in rows}
        for key, order_id in self.promised.items():
            if kept.get(f"api:{key}") != order_id:
                yield f"The order of {key} was promised and is not there."
        (count,) = self.shop.rows("SELECT count(*) AS orders FROM orders")
        if not len(kept) == len(set(kept.values())) == count["orders"]:
            yield f"{len(kept)} keys have made {count['orders']} orders."

    def _odd_statuses(self, ledger: JsonObject) -> Iterator[str]:
        """Tell of orders whose status is not what their sessions at Stripe call for."""
        for name in ("refunds", "disputes", "deliveries"):
            self.ended[name] += len(ledger[name])
        orders = self.shop.rows("SELECT * FROM orders")
        self.ended.update(f"orders {order['status']}" for order in orders)
        attempts = self.shop.rows("SELECT * FROM checkout_attempts ORDER BY position")
        yield from odd_statuses(orders, attempts, ledger)


@contextmanager
def running_world(shop: Shop, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Give a world around a shop; nobody in it waits for longer than he must."""
    be_quick(patch.setattr)
    logging.disable(logging.CRITICAL)
    account, mortals = Account(shop), Mortals(shop)
    try:
        yield World(shop, account, mortals)
    finally:
        mortals.close()
        account.close()
        logging.disable(logging.NOTSET)
