"""Customers: each comes in by the form or the API, and goes one of the ways of life.

Errors are expected while a fault lasts: a customer tries again under the same key, as
a browser that reloads or a client with manners does.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import DefaultCookiePolicy
from random import Random
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.chaos.crowd import Visit
from tests.chaos.notes import CUT, Notes

# Longer than the shop may take for a checkout, and shorter than people wait.
PATIENCE_SECONDS = 15.0
TRIES, PAUSE_BETWEEN_TRIES = 8, 2.0
# At the pace of an order page that was just opened.
LOOKS, PAUSE_BETWEEN_LOOKS = 8, 2.0
# How often somebody reloads the page instead of letting it ask for news.
RELOADING = 0.2
# What happens there waits for nobody but the emulator's own lock.
LONGEST_AT_STRIPE = 60.0
OWNER = "Bearer sk_test_of_the_owner"
SHELF = ("birth-chart-reading", "almanac-2027-digital", "almanac-2027-printed")
# Of a hundred customers so many go each way.
WAYS = {
    "pays": 56,
    "is declined, then pays": 6,
    "is declined and leaves": 4,
    "pays by a bank that takes a while": 6,
    "pays by a bank that fails": 4,
    "leaves without paying": 8,
    "pays and is refunded": 6,
    "pays and is refunded in parts": 4,
    "pays and disputes it": 4,
    "clicks twice": 2,
}
# What a browser sends along, and the box that has to be ticked for a file.
GIVEN = re.compile(r'name="(csrf_token|checkout_token|consent)"[^>]* value="([^"]+)"')
# Where an order page asks for news, as long as it does.
POLL = re.compile(r'id="status"[^>]* hx-get="([^"]+)"')

_threads = threading.local()


@dataclass
class Customer:
    """One customer, with luck of its own."""

    shop: str
    stripe: str
    notes: Notes
    luck: Random
    name: str
    session: str = ""
    order_id: str = ""
    page: str = ""
    poll: str = ""
    payment: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def visit(self) -> Visit:
        """Come in, check out, and go on in one of the ways."""
        (way,) = self.luck.choices([*WAYS], [*WAYS.values()])
        by_form = self.luck.random() < 0.25
        yield from self._check_out_by_form() if by_form else self._check_out_by_api()
        if not self.session:
            self.notes.ended("gave up")
            return
        yield self.luck.uniform(0.2, 1.0)
        yield from LIVES[way](self)
        self.notes.ended(way)

    # At the shop

    def _check_out_by_api(self) -> Visit:
        key = f"{self.name}-{self.luck.getrandbits(64):x}"
        items = [{"service_id": self.luck.choice(SHELF), "quantity": self._many()}]
        body = {
            "items": items,
            "customer": {"email": f"{self.name}@example.com", "name": self.name},
        }
        headers = {"Idempotency-Key": key}
        for _ in range(TRIES):
            answer = self._ask("checkout", "/api/checkout", json=body, headers=headers)
            if answer is not None and answer.status_code == 201:
                told = answer.json()
                self.notes.orders[key] = self.order_id = told["order_id"]
                self._go_to(told["checkout_url"])
                return
            if self._is_strange(answer, 409):
                return
            yield PAUSE_BETWEEN_TRIES

    def _check_out_by_form(self) -> Visit:
        path = f"/checkout?service_id={self.luck.choice(SHELF)}"
        given = {
            "service_id": path.partition("=")[2],
            "quantity": str(self._many()),
            "email": f"{self.name}@example.com",
            "name": self.name,
        }
        for _ in range(TRIES):
            if "csrf_token" not in given:
                answer = self._ask("form", path)
                if answer is not None and answer.ok:
                    given.update(GIVEN.findall(answer.text))
                    self.cookies.update(answer.cookies)
                    continue
            else:
                answer = self._ask("checkout", "/checkout", data=given)
                if answer is not None and answer.status_code == 303:
                    self._go_to(answer.headers["Location"])
                    return
            if self._is_strange(answer):
                return
            yield PAUSE_BETWEEN_TRIES

    def _go_to(self, url: str) -> None:
        self.session = urlsplit(url).path.rpartition("/")[2]
        self.notes.sessions.add(self.session)

    def look(self, until: str = "paid") -> Visit:
        """Look at the order page until it says so, or for some times.

        Customers who wait keep others from coming in: the load is what the shop bears.
        """
        for _ in range(LOOKS if self.page else 0):
            yield PAUSE_BETWEEN_LOOKS
            if self._is_strange(self._see_page(), 204):
                return
            if self.order_id:
                answer = self._ask("order", f"/api/orders/{self.order_id}")
                if answer is not None and answer.ok:
                    status = answer.json()["status"]
                    if status in ("paid", "refunded"):
                        self.notes.paid.add(self.order_id)
                    if status == until:
                        return

    def _see_page(self) -> requests.Response | None:
        """Open the order page, or let it ask for news where it does."""
        if self.poll:
            answer = self._ask("poll", self.poll, headers={"HX-Request": "true"})
        else:
            answer = self._ask("order page", self.page)
        if answer is not None and answer.status_code == 200:
            asks = POLL.search(answer.text)
            reloads = self.luck.random() < RELOADING
            self.poll = unescape(asks[1]) if asks and not reloads else ""
        return answer

    # At Stripe

    def pay(self, outcome: str = "paid") -> bool:
        """Pay, or try to; tell whether Stripe's page was still open for that."""
        told = self._by_hand(f"sessions/{self.session}/pay", outcome=outcome)
        if told:
            self.page = urlsplit(told["success_url"]).path
            self.order_id = told["client_reference_id"]
            self.payment = told["payment_intent"]
        return bool(told)

    def refund(self, amount: int | None = None) -> None:
        """Have the owner give the money back in the dashboard, or part of it."""
        asked = {"payment_intent": self.payment}
        if amount:
            asked["amount"] = str(amount)
        self._in_the_dashboard("POST", "refunds", data=asked)

    def dispute(self, outcome: str) -> Visit:
        """Have the bank ask for the money back, and decide."""
        payment = self._in_the_dashboard("GET", f"payment_intents/{self.payment}")
        if not (payment and payment["latest_charge"]):
            return
        made = self._by_hand(f"charges/{payment['latest_charge']}/dispute")
        yield self.luck.uniform(1, 3)
        if made:
            self._by_hand(f"disputes/{made['id']}/close", outcome=outcome)

    def _by_hand(self, path: str, **body: Any) -> dict[str, Any] | None:
        url = f"{self.stripe}/_control/{path}"
        return _told(_http().post(url, json=body, timeout=LONGEST_AT_STRIPE))

    def _in_the_dashboard(
        self, method: str, path: str, **more: Any
    ) -> dict[str, Any] | None:
        url, headers = f"{self.stripe}/v1/{path}", {"Authorization": OWNER}
        more |= {"headers": headers, "timeout": LONGEST_AT_STRIPE}
        return _told(_http().request(method, url, **more))

    # Asking

    def _ask(self, deed: str, path: str, **more: Any) -> requests.Response | None:
        method = "POST" if more.keys() & {"json", "data"} else "GET"
        begun = time.monotonic()
        try:
            answer = _http().request(
                method,
                self.shop + path,
                allow_redirects=False,
                timeout=PATIENCE_SECONDS,
                cookies=self.cookies,
                **more,
            )
        except requests.RequestException:
            answer = None
        status = CUT if answer is None else answer.status_code
        self.notes.answered(deed, status, time.monotonic() - begun)
        return answer

    def _is_strange(self, answer: requests.Response | None, *known: int) -> bool:
        """Tell whether an answer is none of those that a fault may lead to."""
        if answer is None or answer.status_code in (200, 303, 500, 502, 503, *known):
            return False
        about = f"{answer.request.method} {answer.request.path_url[:40]}"
        self.notes.strange.append(
            f"{about}: {answer.status_code} {answer.text[:160]!r}"
        )
        return True

    def _many(self) -> int:
        return self.luck.choice((1, 1, 1, 2, 3))


def _http() -> requests.Session:
    """Give this thread's connections."""
    if not hasattr(_threads, "http"):
        _threads.http = requests.Session()
        _threads.http.trust_env = False
        # Many customers share a connection, and each has cookies of its own.
        _threads.http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return _threads.http


def _told(answer: requests.Response) -> dict[str, Any] | None:
    """Give what an answer tells, None for a refusal."""
    return answer.json() if answer.ok else None


def pays(customer: Customer) -> Visit:
    """Pay, and look at the order page."""
    if customer.pay():
        yield from customer.look()


def is_declined_then_pays(customer: Customer) -> Visit:
    """Take the wrong card first."""
    customer.pay("declined")
    yield 1.0
    yield from pays(customer)


def is_declined(customer: Customer) -> Visit:
    """Take the wrong card, and have no other."""
    customer.pay("declined")
    yield 1.0


def pays_late(customer: Customer, outcome: str, end: str) -> Visit:
    """Pay by a bank that decides later."""
    if customer.pay("delayed"):
        yield from customer.look("pending")
        yield customer.luck.uniform(2, 10)
        customer.pay(outcome)
        yield from customer.look(end)


def leaves(_customer: Customer) -> Visit:
    """Close the window."""
    return
    yield


def is_refunded(customer: Customer) -> Visit:
    """Get all the money back."""
    yield from pays(customer)
    customer.refund()
    yield from customer.look("refunded")


def is_refunded_in_parts(customer: Customer) -> Visit:
    """Get some of the money back, and some more."""
    yield from pays(customer)
    for amount in (300, 200):
        customer.refund(amount)
        yield 0.5


def disputes(customer: Customer) -> Visit:
    """Ask the bank for the money."""
    yield from pays(customer)
    yield from customer.dispute(customer.luck.choice(("won", "lost")))


def clicks_twice(customer: Customer) -> Visit:
    """Pay twice at the same page: the second time it is closed."""
    customer.pay()
    yield from pays(customer)


LIVES: dict[str, Callable[[Customer], Visit]] = {
    "pays": pays,
    "is declined, then pays": is_declined_then_pays,
    "is declined and leaves": is_declined,
    "pays by a bank that takes a while": lambda one: pays_late(
        one, "delayed_succeeds", "paid"
    ),
    "pays by a bank that fails": lambda one: pays_late(one, "delayed_fails", "failed"),
    "leaves without paying": leaves,
    "pays and is refunded": is_refunded,
    "pays and is refunded in parts": is_refunded_in_parts,
    "pays and disputes it": disputes,
    "clicks twice": clicks_twice,
}


def arrivals(shop: str, stripe: str, notes: Notes, seed: int) -> Iterator[Customer]:
    """Give one customer after the other, each from the seed."""
    number = 0
    while True:
        number += 1
        name = f"customer-{number}"
        yield Customer(shop, stripe, notes, Random(f"{seed}:{number}"), name)
