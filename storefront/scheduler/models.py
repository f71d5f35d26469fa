"""Which job is due when, and which process has it in hand."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.extensions import TIMESTAMP, db


class ScheduledJob(db.Model):  # type: ignore[name-defined,misc]
    """One job of the timetable.

    `generation` grows with every claim: a process that lost its lease cannot report.
    """

    __tablename__ = "scheduled_jobs"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(TIMESTAMP)
    leased_until: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    generation: Mapped[int] = mapped_column(server_default="0", default=0)
    finished_at: Mapped[datetime | None] = mapped_column(TIMESTAMP)
    last_error: Mapped[str | None] = mapped_column(Text)
