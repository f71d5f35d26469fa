"""Walking through Stripe's books, object by object, and mending what differs.

Not by events: one that Stripe never made, or that came while the shop was away for
longer than it repeats them, is missed by nobody here.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from storefront.checkout.ask_stripe import ask_unfinished
from storefront.checkout.door import gateway
from storefront.checkout.known_books import (
    list_known_disputes,
    list_known_payments,
    list_known_refunds,
    list_known_sessions,
)
from storefront.checkout.models import Reconciliation
from storefront.checkout.rebuild_order import rebuild_order
from storefront.checkout.settle_apart import close_matters, settle_apart
from storefront.checkout.settle_order import (
    settle_dispute,
    settle_order,
    settle_refund,
)
from storefront.checkout.whose import find_order_meant
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import GatewayUnavailable, RequestRefused
from storefront.gateway.port import (
    DisputeSeen,
    Page,
    PaymentSeen,
    RefundSeen,
    SessionOutcome,
    SessionSeen,
)
from storefront.orders.queries import find_order, find_order_id
from storefront.transaction import end_reading, transaction

SOURCE = "reconcile"
# Stripe allows 25 calls a second in test mode; customers need most of them.
PAUSE_SECONDS = 0.1
# Longer than a shop is usually away, and then the nightly walk heals the rest.
RECENT = timedelta(hours=3)
# Stripe keeps events for thirty days; the books are walked for longer.
MONTH = timedelta(days=35)


def mend_session(session: SessionSeen) -> bool:
    """Settle a session that has come further than we know; rebuild a lost order."""
    order_id = find_order_meant(session)
    if order_id is None or session.id in list_known_sessions([session]):
        return False
    if find_order(order_id) is None:
        if session.outcome is not SessionOutcome.PAID or session.mark is None:
            return False
        if not rebuild_order(session, session.mark):
            return False
    settle_order(order_id, session, SOURCE)
    return True


def mend_payment(payment: PaymentSeen) -> bool:
    """Settle a payment that no session told of."""
    order_id = find_order_meant(payment)
    order = find_order(order_id) if order_id else None
    if order is None or payment.id in list_known_payments([payment]):
        return False
    settle_order(order.id, payment, SOURCE)
    return True


def mend_refund(refund: RefundSeen) -> bool:
    """Count a refund that nobody told of, or that has moved since."""
    order_id = find_order_id(payment_intent_id=refund.payment_intent_id)
    if order_id is None or refund.id in list_known_refunds([refund]):
        return False
    settle_refund(refund, SOURCE)
    return True


def mend_dispute(dispute: DisputeSeen) -> bool:
    """Tell of a dispute that nobody told of, or that has moved since."""
    if dispute.id in list_known_disputes([dispute]):
        return False
    if find_order_id(payment_intent_id=dispute.payment_intent_id) is None:
        return False
    settle_dispute(dispute, SOURCE)
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of thing in Stripe's books.

    `listing`: the gateway's way to a page of them. `list_known`: gives the ids of those
    that our books agree with, by one question for all. `mend`: brings in one that they
    do not; whether that changed anything.
    """

    listing: str
    list_known: Callable[[Sequence[Any]], set[str]]
    mend: Callable[[Any], bool]


# In this order: a refund finds its payment known.
STEPS = (
    Step("list_sessions", list_known_sessions, mend_session),
    Step("list_charges", list_known_payments, mend_payment),
    Step("list_new_refunds", list_known_refunds, mend_refund),
    Step("list_disputes", list_known_disputes, mend_dispute),
)


def reconcile_window(name: str, window: timedelta, go_on: Callable[[], bool]) -> int:
    """Walk through what Stripe holds of the last `window`; give how much was mended.

    Safe to repeat, and in several processes at once: what agrees is left alone. A walk
    that was broken off goes on where it was, page by page.

    :raises RequestRefused: Stripe does not let us read on.
    """
    position = _begin(name, window)
    while position.finished_at is None and go_on():
        try:
            _take_a_page(position)
        except GatewayUnavailable as error:
            current_app.logger.warning("reconciling waits for Stripe: %s", error)
            break
        except RequestRefused:
            # A place of another account, say, since the key has changed: the next run
            # begins this listing anew. It would never end to do so here.
            _move(position, after=None)
            raise
        time.sleep(PAUSE_SECONDS)
        position = _look(name)
    return position.repaired


def reconcile_recent(asked_before: datetime, go_on: Callable[[], bool]) -> int:
    """Ask about unfinished sessions, then walk through the last hours."""
    asked = ask_unfinished(asked_before, go_on)
    return asked + reconcile_window("recent", RECENT, go_on)


def reconcile_month(_: datetime, go_on: Callable[[], bool]) -> int:
    """Walk through everything that a bank may still have moved."""
    return reconcile_window("month", MONTH, go_on)


def _begin(name: str, window: timedelta) -> Reconciliation:
    """Go on with a walk that has not ended, or begin one."""
    with transaction():
        position = db.session.get(Reconciliation, name)
        if position is None or position.finished_at is not None:
            until: datetime = db.session.execute(
                select(db.func.clock_timestamp())
            ).scalar_one()
            db.session.merge(
                Reconciliation(
                    name=name,
                    since=until - window,
                    # A minute ahead: clocks differ.
                    until=until + timedelta(minutes=1),
                    step=0,
                    after=None,
                    repaired=0,
                    finished_at=None,
                )
            )
    return _look(name)


def _look(name: str) -> Reconciliation:
    """Give where a walk stands at this moment; what it gives moves no more."""
    position = db.session.get_one(Reconciliation, name, populate_existing=True)
    db.session.expunge(position)
    return position


def _move(position: Reconciliation, mended: int = 0, **to: Any) -> None:
    """Take a walk further, unless another process has done so meanwhile.

    That has taken the job over, since this one was held up for longer than its lease.
    """
    stands = (
        Reconciliation.name == position.name,
        Reconciliation.since == position.since,
        Reconciliation.step == position.step,
        Reconciliation.after.is_not_distinct_from(position.after),
    )
    repaired = Reconciliation.repaired + mended
    with transaction():
        db.session.execute(
            update(Reconciliation).where(*stands).values(repaired=repaired, **to)
        )


def _take_a_page(position: Reconciliation) -> None:
    step = STEPS[position.step]
    end_reading()
    listing = getattr(gateway(), step.listing)
    page = listing(position.since, position.until, position.after)
    reach("page of the books read")
    mended = _mend(step, page)
    if page.after is not None:
        _move(position, mended, after=page.after)
    elif step is not STEPS[-1]:
        _move(position, mended, after=None, step=position.step + 1)
    else:
        ended = db.func.clock_timestamp()
        _move(position, mended, after=None, step=len(STEPS), finished_at=ended)
    reach("page of the books done")
    if mended:
        current_app.logger.warning("reconciling mended %s of %s", mended, step.listing)


def _mend(step: Step, page: Page[Any]) -> int:
    """Bring in what differs, each in a transaction of its own; give how many did.

    What agrees is sifted out before: nearly everything does, nearly always. Facts only
    advance, so what agrees now needs nothing later.
    """
    with transaction():
        known = step.list_known(page.things)
        close_matters(thing for thing in page.things if thing.id in known)
    mended = 0
    for thing in page.things:
        if thing.id in known:
            continue
        mended += bool(settle_apart(thing, partial(step.mend, thing)))
        reach("one of a page mended")
    return mended
