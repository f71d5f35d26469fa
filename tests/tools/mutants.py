"""Proof that the tests see: twenty protections taken away, one at a time.

Each mutant is one change to a copy of the shop's code; the tests named beside it are
run against the copy, and the first that fails has caught it. One that nobody catches
ends this program with an error.
"""

import sys
import time
from dataclasses import dataclass

from tests.tools.bench import ROOT, Bench, on_benches

# More than any of the files takes that are named here.
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Mutant:
    """One protection taken away: in `file`, `old` becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    tests: str


CONCURRENCY = "tests/integration/test_concurrency.py"
EVENTS = "tests/integration/test_webhook_events.py"
HOSTILE = "tests/integration/test_webhook_hostile.py"
EXPIRY = "tests/integration/test_expiry.py"
KILLS = "tests/faults/test_kills.py"
LETTERS = "tests/integration/test_letters.py"
REFUNDS = "tests/integration/test_refunds.py"
SCHEDULER = "tests/integration/test_scheduler.py"
CHECKOUT = "tests/integration/test_api_checkout.py"
UNIT = "tests/unit"

MUTANTS = (
    Mutant(
        "no lock on the order",
        "storefront/orders/service.py",
        "select(Order).where(Order.id == order_id).with_for_update()",
        "select(Order).where(Order.id == order_id)",
        f"{CONCURRENCY} tests/faults/test_interleavings.py",
    ),
    Mutant(
        "an event is taken in again each time",
        "storefront/webhooks/inbox.py",
        '    if _may_be_repeated(event) and glance(DONE, id=event["id"]) is not None:\n'
        "        return None\n"
        "    try:\n"
        "        if _is_taken_at_once(event):\n"
        '            reach("taken in at once, not answered")\n'
        "            return APPLIED\n"
        "        with transaction():\n"
        "            # With the outcome that most have: then it need not be noted.\n"
        "            if not _is_new(event, APPLIED):\n"
        "                return None\n",
        "    try:\n        with transaction():\n            _is_new(event, APPLIED)\n",
        f"{EVENTS} tests/integration/test_inbox.py",
    ),
    Mutant(
        "an event that failed is never taken in again",
        "storefront/webhooks/inbox.py",
        " AND outcome IS NOT NULL",
        "",
        "tests/integration/test_inbox.py",
    ),
    Mutant(
        "the amount of a plain payment is not compared",
        "storefront/checkout/pay_at_once.py",
        "        AND total_amount = %(amount)s AND currency = %(currency)s\n",
        "",
        "tests/integration/test_pay_at_once.py",
    ),
    Mutant(
        "signature not checked",
        "storefront/gateway/signature.py",
        '        _verify(text, header or "", secrets)\n',
        "",
        f"{HOSTILE} {UNIT}/test_signature.py",
    ),
    Mutant(
        "signatures from the future are taken",
        "storefront/gateway/signature.py",
        "    if abs(age) > TOLERANCE_SECONDS:\n",
        "    if age > TOLERANCE_SECONDS:\n",
        f"{HOSTILE} {UNIT}/test_signature.py",
    ),
    Mutant(
        "amount not compared",
        "storefront/checkout/settle_order.py",
        '        "amount": (order.total_amount, amount),\n',
        "",
        EVENTS,
    ),
    Mutant(
        "currency not compared",
        "storefront/checkout/settle_order.py",
        '        "currency": (order.currency, news.currency),\n',
        "",
        EVENTS,
    ),
    Mutant(
        "live mode not compared",
        "storefront/webhooks/inbox.py",
        '    return bool(event.get("account")) or livemode != '
        "current_settings().livemode\n",
        '    return bool(event.get("account"))\n',
        f"{HOSTILE} {EVENTS}",
    ),
    Mutant(
        "any session may pay an order",
        "storefront/checkout/settle_order.py",
        "        if known == news.id or (known is None and marked):\n",
        "        if known or marked or not known:\n",
        EVENTS,
    ),
    Mutant(
        "mail sent before it is claimed",
        "storefront/letters/delivery.py",
        "            .values(due_at=_after(CLAIM_SECONDS), tries=Letter.tries + 1)\n",
        "            .values(tries=Letter.tries + 1)\n",
        CONCURRENCY,
    ),
    Mutant(
        "a new Message-ID for each try",
        "storefront/letters/letters.py",
        '    message = paper.written_to(letter.recipient, f"<{letter.id}@{host}>")\n',
        "    message = paper.written_to("
        'letter.recipient, f"<{letter.tries}@{host}>")\n',
        LETTERS,
    ),
    Mutant(
        "expiry without asking Stripe",
        "storefront/checkout/expire_sessions.py",
        "            return stripe.expire_session(session_id)\n",
        "            from storefront.gateway.errors import SessionUnknown\n"
        "            return SessionUnknown()\n",
        EXPIRY,
    ),
    Mutant(
        "orders given up while Stripe is away",
        "storefront/checkout/expire_orders.py",
        "    if isinstance(answer, SessionUnknown):\n",
        "    if not isinstance(answer, SessionSeen):\n",
        EXPIRY,
    ),
    Mutant(
        "refunds added instead of counted by their ids",
        "storefront/orders/refunds.py",
        "    difference = target - refund.counted_amount\n",
        "    difference = target\n",
        REFUNDS,
    ),
    Mutant(
        "a refund that failed still counts",
        "storefront/orders/status.py",
        "    return amount if state is RefundState.SUCCEEDED else 0\n",
        "    return amount\n",
        f"{REFUNDS} {UNIT}/test_status.py",
    ),
    Mutant(
        "a job without a claim",
        "storefront/scheduler/claims.py",
        "            .where(ScheduledJob.name == name, free, *due)\n",
        "            .where(ScheduledJob.name == name)\n",
        SCHEDULER,
    ),
    Mutant(
        "a process without its lease may report",
        "storefront/scheduler/claims.py",
        "                ScheduledJob.generation == claim.generation,\n",
        "",
        SCHEDULER,
    ),
    Mutant(
        "facts may go back",
        "storefront/orders/status.py",
        "    return max(known, seen, key=ranks.index)\n",
        "    return seen\n",
        f"{UNIT}/test_status.py {EVENTS}",
    ),
    Mutant(
        "a transaction stays open while Stripe is asked",
        "storefront/checkout/open_payment.py",
        '    reach("before the session is made")\n',
        "    db.session.execute(select(func.now()))\n",
        CHECKOUT,
    ),
    Mutant(
        "a random key for each call",
        "storefront/checkout/open_payment.py",
        "        session = gateway().create_session(attempt.parameters, "
        "attempt.idempotency_key)\n",
        "        key = str(uuid4())\n"
        "        session = gateway().create_session(attempt.parameters, key)\n",
        KILLS,
    ),
    Mutant(
        "the answer's address not checked",
        "storefront/checkout/open_payment.py",
        "    if session.url and known and agrees:\n",
        "    if session.url:\n",
        CHECKOUT,
    ),
    Mutant(
        "one key, two orders",
        "storefront/checkout/place_order.py",
        "    VALUES (%(key)s, %(fingerprint)s, %(order)s, now() + %(claim)s);\n",
        "    VALUES (%(key)s, %(fingerprint)s, %(order)s, now() + %(claim)s)\n"
        "    ON CONFLICT DO NOTHING;\n",
        CONCURRENCY,
    ),
)


def main() -> int:
    """Try every mutant, or those whose names hold the words given."""
    wanted = " ".join(sys.argv[1:])
    chosen = [one for one in MUTANTS if wanted in one.name]
    missed = 0
    for mutant, seconds, catcher in on_benches(_try, chosen):
        _say(f"{mutant.name:<48} {seconds:4.0f} s  {catcher or 'NOBODY SAW IT'}")
        missed += catcher is None
    _say(f"{len(chosen) - missed} of {len(chosen)} caught")
    return 1 if missed else 0


def _try(mutant: Mutant, bench: Bench) -> tuple[Mutant, float, str | None]:
    """Run the tests against a mutated copy; give the first that fails."""
    text = (ROOT / mutant.file).read_text("utf-8")
    if mutant.old not in text:
        raise SystemExit(f"{mutant.name}: {mutant.file} has changed; mend the mutant.")
    began = time.monotonic()
    mutated = text.replace(mutant.old, mutant.new)
    with bench.holding(mutant.file, mutated):
        catcher = bench.failing(mutant.tests.split(), MOST_SECONDS)
    return mutant, time.monotonic() - began, catcher


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a program for a terminal


if __name__ == "__main__":
    sys.exit(main())
