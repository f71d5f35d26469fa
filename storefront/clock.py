"""The only clock of the process: aware times in UTC.

Deadlines and claims go by the database's clock, never by this one.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the present moment, aware, in UTC."""
    return datetime.now(UTC)
