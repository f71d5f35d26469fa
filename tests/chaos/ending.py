"""How a run ends: all faults off, everything comes to rest, all books are compared."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from storefront.demo.books import read_books
from storefront.demo.check import check
from tests.chaos.notes import Notes
from tests.chaos.stage import Stage
from tests.faults.truth import doubled_sessions, odd_statuses

JOBS = ("read-refunds", "reconcile", "expire-orders", "send-mail")
# Deliveries that failed are on their way for two minutes and more.
LONGEST_DELIVERY = 180.0
# Half an hour of sales leaves tens of thousands of receipts to be drawn.
LONGEST_REST = 2400.0
TABLES = ("sessions", "payment_intents", "charges", "refunds", "disputes")
# Time passes quickly: who has not paid by now does not come back.
DEADLINES_PASS = """
    UPDATE orders SET expires_at = now() - interval '1 minute' WHERE id IN (
        SELECT id FROM orders WHERE status = 'pending' AND expires_at > now()
        AND created_at < now() - %s::interval FOR UPDATE SKIP LOCKED)
"""
NOBODY_HAS_ASKED = "UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'"
# One that was begun before goes on behind what it has passed already.
A_NEW_WALK = "UPDATE reconciliations SET finished_at = now()"
UNSENT = """
    SELECT 'letters to send' AS what, count(*) AS n FROM letters
        WHERE sent_at IS NULL AND parked_at IS NULL
"""
WAITING = f"""{UNSENT}
    UNION ALL SELECT 'refunds to read', count(*) FROM refund_readings
    UNION ALL SELECT 'orders past their deadline', count(*) FROM orders
        WHERE status = 'pending' AND expires_at < now()
    UNION ALL SELECT 'events without an outcome', count(*) FROM stripe_events
        WHERE outcome IS NULL
    UNION ALL SELECT 'pages of paid orders', count(*) FROM checkout_attempts
        JOIN orders ON orders.id = order_id
        WHERE state IN ('prepared', 'open') AND status <> 'pending'
"""  # noqa: S608 - a statement of ours


@dataclass(frozen=True)
class Outcome:
    """What stands at the end. `differences`: a sentence each, none if all agrees.

    `unsent`: the letters that were still to be sent when the last customer left.
    """

    orders: Counter[str]
    letters: Counter[str]
    matters: Counter[str]
    parked: int
    unsent: int
    events: int
    payments: int
    seconds_to_rest: float
    differences: list[str]


def come_to_rest(stage: Stage, say: Callable[[str], None]) -> tuple[float, list[str]]:
    """Let everything come to its end; give how long that took, and what still waits."""
    begun = time.monotonic()
    stage.let_go()
    stage.mailbox.mend()
    for line in (stage.stripe_line, stage.mail_line, stage.database_line):
        line.heal()
    # From here on the jobs run by hand alone, each to its end.
    stage.server.stop()
    stage.server.start(SCHEDULER="off")
    stage.server.wait()
    stage.emulator.release_webhooks()
    finish_bank_debits(stage)
    stage.rows(DEADLINES_PASS, "0 seconds")
    stage.rows(A_NEW_WALK)
    jobs = JOBS
    while (waiting := _round(stage, jobs, say)) and begun + LONGEST_REST > _now():
        jobs = tuple(job for job in JOBS if job != "reconcile")
    return _now() - begun, waiting


def _round(stage: Stage, jobs: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Let deliveries arrive and jobs run; give what waits after that."""
    say("deliveries arrive")
    give_up_at = _now() + LONGEST_DELIVERY
    while not stage.emulator.post("wait", timeout=5)["idle"] and _now() < give_up_at:
        pass
    stage.rows(NOBODY_HAS_ASKED)
    for job in jobs:
        say(f"{job} runs")
        stage.server.run_job(job)
    return [f"{row['n']} {row['what']}" for row in stage.rows(WAITING) if row["n"]]


def _now() -> float:
    return time.monotonic()


def finish_bank_debits(stage: Stage) -> None:
    """Have every bank that is still at work decide, for the shop."""
    ledger = stage.emulator.ledger("sessions", "payment_intents")
    working = {
        one["id"] for one in ledger["payment_intents"] if one["status"] == "processing"
    }
    for session in ledger["sessions"]:
        if session["payment_intent"] in working:
            stage.emulator.pay(session["id"], "delayed_succeeds")


def compare(stage: Stage, notes: Notes, say: Callable[[str], None]) -> Outcome:
    """Come to rest, then read all books and tell what does not agree.

    Nothing is broken any more, but the last faults may not be over: a server starts.
    """
    stage.server.wait()
    (unsent,) = stage.rows(UNSENT)
    seconds, waiting = come_to_rest(stage, say)
    say("all books are compared")
    ledger = stage.emulator.ledger(*TABLES)
    books = read_books(stage.database_url, ledger, stage.mailbox.letters)
    return Outcome(
        orders=Counter(order["status"] for order in books.orders),
        letters=Counter(letter["kind"] for letter in books.outbox),
        matters=Counter(matter["reason"] for matter in books.matters),
        parked=sum(letter["parked_at"] is not None for letter in books.outbox),
        unsent=unsent["n"],
        events=stage.rows("SELECT count(*) AS n FROM stripe_events")[0]["n"],
        payments=len(books.payments()),
        seconds_to_rest=seconds,
        differences=[
            *(f"Still waiting: {what}." for what in waiting),
            *check(books),
            *doubled_sessions(ledger),
            *odd_statuses(books.orders, books.attempts, ledger),
            *broken_promises(stage, notes, books.orders, books.attempts),
        ],
    )


def broken_promises(
    stage: Stage, notes: Notes, orders: Any, attempts: Any
) -> Iterator[str]:
    """Tell of what was acknowledged and is not there.

    11: no order answered 201, no payment page answered 201 or 303, no payment that a
    page has confirmed is forgotten. 5: one key never makes two orders.
    """
    rows = stage.rows("SELECT key, order_id::text FROM checkout_requests")
    kept = {row["key"]: row["order_id"] for row in rows}
    for key, order_id in notes.orders.items():
        if kept.get(f"api:{key}") != order_id:
            yield f"The order of {key} was promised and is not there."
    if not len(kept) == len(set(kept.values())) == len(orders):
        yield f"{len(kept)} keys have made {len(orders)} orders."
    for session in notes.sessions - {one["provider_session_id"] for one in attempts}:
        yield f"The payment page {session} was promised and is not known."
    paid = {str(order["id"]) for order in orders if order["paid_at"]}
    for order_id in notes.paid - paid:
        yield f"Order {order_id} was called paid and is not."
