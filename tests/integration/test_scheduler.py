"""Jobs: each due run once, over any number of processes, whatever dies."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

import pytest

from storefront.scheduler.claims import claim_job
from storefront.scheduler.jobs import run_if_due, run_now, start_scheduler
from storefront.scheduler.timetable import TIMETABLE, Job
from tests.fixtures.shop import Shop

HOUR = timedelta(hours=1)


def test_a_due_job_is_taken_by_one_process_only(shop: Shop) -> None:
    with shop.app.app_context():
        assert claim_job("some-job") is not None
        assert claim_job("some-job") is None


def test_a_finished_job_is_not_due_until_its_time(shop: Shop) -> None:
    with shop.app.app_context():
        claim = claim_job("some-job")
        assert claim
        claim.finish(HOUR, None)
        assert claim_job("some-job") is None
        assert claim_job("some-job", now=True) is not None


def test_the_job_of_a_dead_process_is_taken_over_once_its_lease_is_over(
    shop: Shop,
) -> None:
    """Row 33: another process takes over."""
    with shop.app.app_context():
        dead = claim_job("some-job")
        shop.rows("UPDATE scheduled_jobs SET leased_until = now() - interval '1 s'")
        heir = claim_job("some-job")

        assert dead
        assert heir
        assert not dead.renew()
        assert heir.renew()


def test_a_process_that_lost_its_lease_cannot_report(shop: Shop) -> None:
    with shop.app.app_context():
        slow = claim_job("some-job")
        shop.rows("UPDATE scheduled_jobs SET leased_until = now() - interval '1 s'")
        claim_job("some-job")
        assert slow
        slow.finish(HOUR, None)

    job = shop.row("SELECT finished_at, leased_until FROM scheduled_jobs")
    assert job["finished_at"] is None
    assert job["leased_until"] is not None


def test_a_clock_that_is_stopped_waits_for_no_long_job(shop: Shop) -> None:
    """A server told to end does not go through all that is to be done first."""
    begun = Event()

    def work(_due_before: datetime, go_on: Callable[[], bool]) -> int:
        done = 0
        while go_on() and done < 100:
            done += 1
            begun.set()
            time.sleep(0.1)
        return done

    job = Job("much-to-do", timedelta(seconds=1), work)
    scheduler = start_scheduler(shop.app, [job])
    assert begun.wait(5)
    stopped_at = time.monotonic()
    scheduler.shutdown(wait=True)

    # All of it would take ten.
    assert time.monotonic() - stopped_at < 5
    row = shop.row("SELECT * FROM scheduled_jobs WHERE name = 'much-to-do'")
    assert (row["leased_until"], row["last_error"]) == (None, None)


def test_a_job_that_raises_is_noted_and_comes_again(shop: Shop) -> None:
    """Row 34: the next run happens, and the reason is kept."""

    def fail(*_: object) -> int:
        raise ValueError("the shelf fell down")

    job = Job("falling", timedelta(0), fail)
    with shop.app.app_context():
        for _ in range(2):
            with pytest.raises(ValueError, match="shelf"):
                run_if_due(job)

    row = shop.row("SELECT generation, last_error FROM scheduled_jobs")
    assert row == {"generation": 2, "last_error": "ValueError: the shelf fell down"}


def test_a_clock_runs_every_job_of_the_timetable(shop: Shop) -> None:
    scheduler = start_scheduler(shop.app)
    try:
        assert len(scheduler.get_jobs()) == len(TIMETABLE)
    finally:
        scheduler.shutdown()


def test_every_job_runs_by_hand(shop: Shop) -> None:
    # The only thing to do in a shop that has sold nothing.
    assert shop.run_job("draw-cards") > 0
    with shop.app.app_context():
        assert [run_now(job) for job in TIMETABLE] == [0] * len(TIMETABLE)

    jobs = shop.rows("SELECT name FROM scheduled_jobs WHERE last_error IS NULL")
    assert {row["name"] for row in jobs} == {job.name for job in TIMETABLE}


def test_prune_throws_old_things_away_and_keeps_the_rest(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed)
    events = shop.row("SELECT count(*) AS n FROM stripe_events")["n"]
    shop.rows(
        "INSERT INTO stripe_events (id, type, payload, received_at)"
        " VALUES ('evt_old', 'x', '{}', now() - interval '91 days')"
    )
    shop.rows("UPDATE checkout_requests SET created_at = now() - interval '4 days'")

    assert shop.run_job("prune") == 2

    assert shop.row("SELECT count(*) AS n FROM stripe_events")["n"] == events
    assert shop.order(placed.id)["status"] == "paid"


def test_letters_stay_with_their_order_however_old(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed)
    shop.run_job("send-mail")
    shop.rows(
        "UPDATE letters SET created_at = created_at - interval '9 years',"
        " sent_at = sent_at - interval '9 years', due_at = due_at - interval '9 years'"
    )

    shop.run_job("prune")
    shop.run_job("reconcile")
    shop.run_job("send-mail")

    assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 2
    assert shop.check() == []


def test_a_lost_webhook_heals_by_reconciliation(shop: Shop) -> None:
    """Row 11: while nobody looks at the page."""
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)

    assert shop.run_job("reconcile") == 1

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.run_job("reconcile") == 0


def test_reconciliation_waits_while_stripe_is_away(shop: Shop) -> None:
    placed = shop.place()
    shop.emulator.fail(503)

    assert shop.run_job("reconcile") == 0

    assert shop.order(placed.id)["status"] == "pending"
