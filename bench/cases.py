"""What is compared with what, and how much of it the shop should reach.

The goals are shares of a bare counterpart that does only what cannot be left out.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import count, repeat
from uuid import uuid4

import requests

from bench.load import Asked, crowd, deliver, deliveries, get, under_load
from bench.measure import Case, Measure, Round
from bench.orders import PAYLOADS, Payable, add_payable
from bench.stage import Server, Stage
from tests.factories.events import WEBHOOKS, sign
from tests.fixtures.shop import CUSTOMER, READING

SECONDS = 4.0
PAGE_CONNECTIONS, WEBHOOK_CONNECTIONS = 16, 8
# As many as a fast round takes; a file of them is written before it begins.
DELIVERIES = 16000
WAITING = {"few": 48, "many": 128}
STRIPE_SECONDS = 0.3
# An event comes again after a while only, bearing the time of what it tells.
AN_HOUR = 3600

Pair = tuple[Measure, Measure]
SetUp = Callable[[], AbstractContextManager[Pair]]


def cases(stage: Stage) -> list[Case]:
    """List the comparisons of what customers and Stripe ask for."""
    return [
        Case("catalog", "as many bytes", 0.8, partial(_page, stage, "/")),
        Case(
            "product page",
            "as many bytes",
            0.8,
            partial(_page, stage, f"/products/{READING}"),
        ),
        Case("order poll, nothing new", "one SELECT", 0.75, partial(_poll, stage)),
        Case(
            "webhook, first delivery",
            "signature, one statement",
            0.6,
            partial(_webhook, stage),
        ),
        Case(
            "webhook, repeated",
            "signature, one SELECT",
            0.8,
            partial(_repeated, stage),
        ),
        *(
            Case(
                f"checkout, {waiting} waiting",
                "SDK call, two commits",
                0.85,
                partial(_checkout, stage, waiting),
            )
            for waiting in WAITING.values()
        ),
    ]


@contextmanager
def _page(stage: Stage, path: str) -> Iterator[Pair]:
    with stage.shop() as shop:
        size = _size_of(shop, path)
        with stage.bare("bytes", PAGE_BYTES=str(size)) as bare:
            yield (
                partial(asking, stage, shop, path),
                partial(asking, stage, bare, "/"),
            )


def asking(stage: Stage, server: Server, path: str) -> Round:
    """Measure a round in which one page is asked for."""
    return under_load(
        server,
        stage.database_pid,
        lambda: get(server, path, PAGE_CONNECTIONS, SECONDS),
    )


def _size_of(server: Server, path: str) -> int:
    headers = {"Accept-Encoding": "gzip"}
    url = server.url + path
    with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
        return len(answer.raw.read(decode_content=False))


@contextmanager
def _poll(stage: Stage) -> Iterator[Pair]:
    (order,) = asked_just_now(stage, add_payable(stage.database_url, 1, _tag()))
    with stage.shop() as shop, stage.bare("poll") as bare:
        yield (
            partial(polling, stage, shop, order),
            partial(asking, stage, bare, f"/orders/{order.page_token}/status"),
        )


def polling(stage: Stage, server: Server, order: Payable) -> Round:
    """Measure a round for a page just opened: it goes on asking every two seconds."""
    now = int(time.time())
    path = f"/orders/{order.page_token}/status?every=2&since={now}"
    return asking(stage, server, path)


def asked_just_now(stage: Stage, orders: list[Payable]) -> list[Payable]:
    """Have it so that Stripe was asked about these a moment ago, by other pages."""
    stage.execute(
        "UPDATE checkout_attempts SET asked_at = now() + interval '1 hour' "
        "WHERE order_id = ANY (%s::uuid[])",
        [str(order.order_id) for order in orders],
    )
    return orders


@contextmanager
def _webhook(stage: Stage) -> Iterator[Pair]:
    with stage.shop() as shop, stage.bare("webhook") as bare:
        yield (
            lambda: delivering(stage, shop, WEBHOOKS, paid(stage, DELIVERIES)),
            lambda: delivering(stage, bare, "/first", paid(stage, DELIVERIES)),
        )


def delivering(stage: Stage, server: Server, path: str, bodies: list[str]) -> Round:
    """Measure a round in which these events are delivered."""
    events = signed(bodies)
    return under_load(
        server,
        stage.database_pid,
        lambda: deliver(server, path, events, WEBHOOK_CONNECTIONS, SECONDS),
    )


@contextmanager
def _repeated(stage: Stage) -> Iterator[Pair]:
    with stage.shop() as shop, stage.bare("webhook") as bare:
        bodies = paid(stage, DELIVERIES, AN_HOUR)
        crowd(shop, deliveries(WEBHOOKS, signed(bodies)), WEBHOOK_CONNECTIONS, 60.0)

        def repeating(server: Server, path: str) -> Round:
            return delivering(stage, server, path, bodies)

        yield partial(repeating, shop, WEBHOOKS), partial(repeating, bare, "/again")


@contextmanager
def _checkout(stage: Stage, waiting: int) -> Iterator[Pair]:
    with (
        stage.slow_stripe(STRIPE_SECONDS) as stripe,
        stage.shop(**stripe.settings()) as shop,
        stage.bare("checkout", **stripe.settings()) as bare,
    ):
        yield (
            partial(buying, stage, shop, waiting),
            partial(buying, stage, bare, waiting),
        )


def buying(stage: Stage, server: Server, waiting: int) -> Round:
    """Measure a round in which so many check out at once."""
    return under_load(
        server,
        stage.database_pid,
        # Each customer is another one: no line stays with one worker.
        lambda: crowd(server, checkouts(), waiting, SECONDS, anew=True),
    )


def checkouts() -> Iterator[Asked]:
    """Give one checkout after the other, each under a key of its own."""
    body = json.dumps(
        {
            "items": [{"service_id": READING, "quantity": 1}],
            "customer": CUSTOMER,
        }
    )
    for run in repeat(_tag()):
        for number in count():
            key = f"{run}-{number}"
            yield Asked("/api/checkout", body, (("Idempotency-Key", key),))


def paid(stage: Stage, number: int, age: int = 0) -> list[str]:
    """Place so many orders; give for each the event that says that it is paid.

    :param age: how many seconds ago it is said to have happened.
    """
    created = int(time.time()) - age
    orders = add_payable(stage.database_url, number, _tag())
    return [_paid(order, created) for order in orders]


def signed(bodies: list[str]) -> list[tuple[str, str]]:
    """Sign events, just before they are delivered: signatures grow old."""
    return [(sign(body.encode()), body) for body in bodies]


_TEMPLATE = json.loads(PAYLOADS.read_text("utf-8"))["session"]


def _paid(order: Payable, created: int) -> str:
    event = copy.deepcopy(_TEMPLATE)
    event["created"] = created
    event["id"] = f"evt_{uuid4().hex}"
    event["type"] = "checkout.session.completed"
    event["data"]["object"] |= {
        "id": order.session_id,
        "payment_intent": f"pi_{uuid4().hex}",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": order.amount,
        "amount_subtotal": order.amount,
        "currency": order.currency.lower(),
        "client_reference_id": str(order.order_id),
    }
    return json.dumps(event, separators=(",", ":"))


def _tag() -> str:
    return uuid4().hex[:12]
