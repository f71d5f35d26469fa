"""Letters that are due, sent by the shop's job, beside smtplib with ready messages.

Both send the same letters over loopback to the same server, a process of its own.
"""

import os
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import delete, insert, select

from bench.measure import Case, Measure, Round, cpu_seconds
from storefront import create_app
from storefront.catalog.models import Product
from storefront.demo.children import start_child
from storefront.demo.ports import LOOPBACK, free_port
from storefront.demo.postgres import embedded_postgres
from storefront.extensions import db
from storefront.letters.facts import read_facts
from storefront.letters.letters import compose
from storefront.letters.models import Letter, LetterKind
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderStatus,
    Provider,
)
from storefront.scheduler.jobs import run_now
from storefront.scheduler.timetable import get_job
from storefront.settings import read_settings
from storefront.transaction import transaction
from tests.chaos.stage import run
from tests.factories.catalog import CATALOG
from tests.fixtures.shop import environment

ROOT = Path(__file__).parents[1]
LETTERS = int(os.environ.get("LETTERS", "1000"))
SECONDS_TO_BE_READY = 30.0
# A receipt costs a PDF, ten times the rest of a letter: fewer show as much.
RECEIPTS = max(1, LETTERS // 5)
# As customers are: three languages, some with a remark, some who bought two things.
ORDERS = 60
NAMES = ("Ana Lima", "José Núñez", "Joan O’Hara <3", "Zoë Ångström", "Rui & Filhos")
LOCALES = ("en", "es", "pt-PT")


@dataclass(frozen=True)
class Desk:
    """A shop without customers: its app, Postgres' process, and where letters go."""

    app: Flask
    postgres_pid: int
    port: int


@contextmanager
def _desk() -> Iterator[Desk]:
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-letters")))
        # Under root Postgres is another user, who has to pass through here.
        folder.chmod(0o711)
        postgres = ending.enter_context(embedded_postgres(folder / "postgres"))
        port = free_port()
        sink = start_child(
            "sink",
            [sys.executable, "-m", "bench.sink", str(port)],
            log=folder / "sink.log",
            env=os.environ,
            cwd=ROOT,
        )
        ending.callback(sink.stop)
        settings = environment(
            postgres.url(),
            MAIL_SERVER=LOOPBACK,
            MAIL_PORT=str(port),
            MAIL_DEFAULT_SENDER="Lunaria <studio@lunaria.example>",
            MAIL_REPLY_TO="mara@lunaria.example",
        )
        run(settings, "db", "upgrade").check_returncode()
        run(settings, "catalog", "load", str(CATALOG)).check_returncode()
        app = create_app(read_settings(settings))
        with app.app_context():
            _wait_for(port)
            _sell()
            yield Desk(app, postgres.pid, port)
            db.session.remove()
            db.engine.dispose()


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_BE_READY
    while True:
        try:
            return smtplib.SMTP(LOOPBACK, port).close()
        except ConnectionRefusedError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def _sell() -> None:
    with transaction():
        products = db.session.scalars(select(Product).order_by(Product.id)).all()
        for number in range(ORDERS):
            lines = [_line(products[number % len(products)], 1 + number % 4 // 3)]
            if number % 5 == 0:
                lines.append(_line(products[(number + 1) % len(products)], 1))
            db.session.add(_order(number, lines))


def _line(product: Product, quantity: int) -> dict[str, Any]:
    return {
        "service_id": product.id,
        "name": product.name,
        "unit_amount": product.unit_amount,
        "quantity": quantity,
        "next_steps": product.next_steps,
        "has_file": product.has_file,
    }


def _order(number: int, lines: list[dict[str, Any]]) -> Order:
    name = NAMES[number % len(NAMES)]
    order = Order(
        id=uuid4(),
        number=f"LETTER{number:03}",
        page_token=f"{number:043}",
        status=OrderStatus.PAID,
        line_items=lines,
        currency="EUR",
        total_amount=sum(line["unit_amount"] * line["quantity"] for line in lines),
        customer_email=f"customer{number}@example.com",
        customer_name=name,
        note="Born at dawn.\nOr a little later." if number % 4 == 0 else None,
        locale=LOCALES[number % len(LOCALES)],
        provider=Provider.STRIPE,
        paid_at=datetime.now(UTC),
    )
    order.attempts.append(
        CheckoutAttempt(
            id=uuid4(),
            position=1,
            state=AttemptState.PAID,
            parameters={},
            idempotency_key=str(uuid4()),
            provider_session_id=f"cs_{number}",
            provider_payment_intent_id=f"pi_{number}",
        )
    )
    return order


def _write(kind: LetterKind, count: int) -> None:
    """Write so many letters that are due, and throw away the round before."""
    orders = db.session.scalars(select(Order).order_by(Order.number)).all()
    to_owner = kind is LetterKind.NEW_ORDER
    rows = [
        {
            "kind": kind,
            "cause": str(uuid4()),
            "order_id": order.id,
            "recipient": "mara@lunaria.example" if to_owner else order.customer_email,
            "context": {"revived": place % 50 == 0} if to_owner else {},
        }
        for place, order in zip(range(count), _round(orders), strict=False)
    ]
    with transaction():
        db.session.execute(delete(Letter))
        db.session.execute(insert(Letter), rows)


def _round(orders: Sequence[Order]) -> Iterator[Order]:
    while True:
        yield from orders


def _ready_messages(count: int) -> list[tuple[str, bytes]]:
    """Give the letters as they go out, with their recipients."""
    ready = []
    for facts in read_facts(db.session.scalars(select(Letter.id).limit(count)).all()):
        message = compose(facts)
        if message:
            message.date = time.time()
            ready.append((facts.letter.recipient, message.as_bytes()))
    return ready


def _measured(desk: Desk, count: int, work: Callable[[], object]) -> Round:
    """Measure; Postgres and the mail server are children, so not by `timed`."""
    begun, used = perf_counter(), process_time()
    database = cpu_seconds(desk.postgres_pid)
    work()
    return Round(
        per_second=count / (perf_counter() - begun),
        web_ms=1000 * (process_time() - used) / count,
        database_ms=1000 * (cpu_seconds(desk.postgres_pid) - database) / count,
    )


def _by_hand(port: int, ready: Sequence[tuple[str, bytes]]) -> None:
    with smtplib.SMTP(LOOPBACK, port) as server:
        for recipient, content in ready:
            server.sendmail("studio@lunaria.example", [recipient], content)


@contextmanager
def _set_up(kind: LetterKind, count: int) -> Iterator[tuple[Measure, Measure]]:
    with _desk() as desk:
        _write(kind, count)
        ready = _ready_messages(count)

        def shop() -> Round:
            _write(kind, count)
            return _measured(desk, count, partial(run_now, get_job("send-mail")))

        def reference() -> Round:
            return _measured(desk, count, partial(_by_hand, desk.port, ready))

        yield shop, reference


CASES = (
    Case(
        "letters: the owner’s news",
        "smtplib over one connection, the same letters ready-made",
        0.7,
        partial(_set_up, LetterKind.NEW_ORDER, LETTERS),
    ),
    Case(
        "letters: receipts with their PDF",
        "smtplib over one connection, the same letters ready-made",
        0.7,
        partial(_set_up, LetterKind.RECEIPT, RECEIPTS),
    ),
)
