"""The only clock of the process: aware times in UTC.

Deadlines and claims go by the database's clock, never by this one.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the present moment, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Write a moment as programs read it: 2026-11-23T12:00:00Z."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")
