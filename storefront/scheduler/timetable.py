"""Which jobs there are, how often each is due, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storefront.catalog.cards import draw_cards
from storefront.checkout.ask_stripe import hurry_refunds, read_refunds
from storefront.checkout.expire_orders import expire_orders
from storefront.checkout.reconcile import reconcile_month, reconcile_recent
from storefront.letters.delivery import hurry_letters, send_letters
from storefront.scheduler.prune import prune

# Given the moment up to which things count as due, and a way to ask "still mine?".
Run = Callable[[datetime, Callable[[], bool]], int]


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    By hand everything is taken at once: without the `patience` that otherwise leaves
    alone what was touched lately, and after `hurry`, which ends all backing off.
    """

    name: str
    every: timedelta
    run: Run
    patience: timedelta = timedelta(0)
    hurry: Callable[[], None] | None = None


TIMETABLE = (
    # A customer who has paid looks into the mailbox at once.
    Job("send-mail", timedelta(seconds=3), send_letters, hurry=hurry_letters),
    # The refunded sum is right within seconds of Stripe's hint.
    Job("read-refunds", timedelta(seconds=5), read_refunds, hurry=hurry_refunds),
    # An overdue order waits at most this long; each is asked about once a minute.
    Job("expire-orders", timedelta(seconds=30), expire_orders, timedelta(minutes=1)),
    # A webhook that was lost while nobody looks at the page heals within minutes.
    Job("reconcile", timedelta(minutes=5), reconcile_recent, timedelta(minutes=4)),
    # What slipped through that, or moved at a bank weeks later.
    Job("reconcile-month", timedelta(days=1), reconcile_month),
    # A new catalog's cards are there before anybody shares a link; looking whether any
    # is lacking takes 30 ms.
    Job("draw-cards", timedelta(minutes=1), draw_cards),
    # Nothing waits for it; at any hour.
    Job("prune", timedelta(days=1), prune),
)


def get_job(name: str) -> Job:
    """Give a job by its name.

    :raises KeyError: if there is none of that name.
    """
    return {job.name: job for job in TIMETABLE}[name]
