"""Who runs a job: a row with a lease, so that each due run happens once over N
processes on M machines, also behind a pooler that keeps no sessions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from storefront.extensions import db
from storefront.scheduler.models import ScheduledJob
from storefront.transaction import transaction

# Renewed between batches; a dead process' job is free again after this long.
LEASE = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in hand. `generation` fences off a process that has lost its lease."""

    name: str
    generation: int
    claimed_at: datetime

    def renew(self) -> bool:
        """Keep the job for another while; False if another process has it by now."""
        return _change(self, leased_until=func.clock_timestamp() + LEASE)

    def finish(self, every: timedelta, error: str | None) -> None:
        """Give the job back, due again after `every`."""
        _change(
            self,
            leased_until=None,
            due_at=func.clock_timestamp() + every,
            finished_at=func.clock_timestamp(),
            last_error=error,
        )


def claim_job(name: str, *, now: bool = False) -> Claim | None:
    """Take a job that is due and in nobody's hand.

    :param now: take it even if it is not due yet.
    """
    free = or_(
        ScheduledJob.leased_until.is_(None), ScheduledJob.leased_until < func.now()
    )
    due = [] if now else [ScheduledJob.due_at <= func.now()]
    with transaction():
        db.session.execute(
            insert(ScheduledJob)
            .values(name=name, due_at=func.now())
            .on_conflict_do_nothing()
        )
        row = db.session.execute(
            update(ScheduledJob)
            .where(ScheduledJob.name == name, free, *due)
            .values(
                leased_until=func.clock_timestamp() + LEASE,
                generation=ScheduledJob.generation + 1,
            )
            .returning(ScheduledJob.generation, func.clock_timestamp())
        ).one_or_none()
    return Claim(name, *row) if row else None


def find_runs() -> dict[str, ScheduledJob]:
    """Give for each job that ever ran how its last run ended, by the job's name."""
    return {run.name: run for run in db.session.scalars(select(ScheduledJob))}


def database_time() -> datetime:
    """Give the moment by the clock that all processes share."""
    with transaction():
        return db.session.execute(  # type: ignore[no-any-return]
            select(func.clock_timestamp())
        ).scalar_one()


def _change(claim: Claim, **values: object) -> bool:
    with transaction():
        result = db.session.execute(
            update(ScheduledJob)
            .where(
                ScheduledJob.name == claim.name,
                ScheduledJob.generation == claim.generation,
            )
            .values(**values)
        )
    return bool(result.rowcount)  # type: ignore[attr-defined]
