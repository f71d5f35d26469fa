"""Running jobs: by the clock in every web worker, or by hand."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, current_app

from storefront.extensions import db
from storefront.failpoints import reach
from storefront.scheduler.claims import Claim, claim_job, database_time
from storefront.scheduler.timetable import TIMETABLE, Job

# Somebody else's run of the same job ends, or its lease does.
PATIENCE_SECONDS = 30
# A job that has come due is begun within this, however rare it is.
LONGEST_TICK_SECONDS = 10


def run_if_due(job: Job, go_on: Callable[[], bool] = lambda: True) -> None:
    """Run a job if it is due and no other process has it.

    :param go_on: called between batches; False ends the run.
    """
    claim = claim_job(job.name)
    if claim:
        due_before = claim.claimed_at - job.patience
        _run(job, claim, due_before, lambda: go_on() and claim.renew())


def run_now(job: Job) -> int:
    """Run a job, whatever is due or backing off; give how many things it did.

    A run that is under way elsewhere is waited for.

    :raises TimeoutError: if it does not end.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (claim := claim_job(job.name, now=True)):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{job.name} is being run by another process.")
        time.sleep(0.2)
    if job.hurry:
        job.hurry()
    return _run(job, claim, database_time(), claim.renew)


def _run(
    job: Job, claim: Claim, due_before: datetime, go_on: Callable[[], bool]
) -> int:
    error = "the process was stopped"
    reach("job claimed")
    try:
        done = job.run(due_before, go_on)
        error = ""
        reach("job done, not reported")
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"[:500]
        raise
    finally:
        claim.finish(job.every, error or None)
    return done


def start_scheduler(
    app: Flask, timetable: Iterable[Job] = TIMETABLE
) -> BackgroundScheduler:
    """Start this process' clock. It only asks what is due: rows decide who runs it."""
    scheduler = BackgroundScheduler(timezone="UTC")
    for job in timetable:
        scheduler.add_job(
            _tick,
            "interval",
            args=(app, job, scheduler),
            seconds=min(job.every.total_seconds(), LONGEST_TICK_SECONDS),
            # Not all workers at the same moment.
            jitter=1,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    return scheduler


def _tick(app: Flask, job: Job, scheduler: BackgroundScheduler) -> None:
    with app.app_context():
        try:
            # A process told to end leaves the rest to the others.
            run_if_due(job, lambda: scheduler.running)
        except Exception:
            # The next tick comes in any case; that this one failed is on its row.
            current_app.logger.exception("job %s failed", job.name)
        finally:
            db.session.remove()
