"""How the Moon stands tonight."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from math import degrees

import ephem

from storefront.clock import now

# The Moon moves this far from the Sun in half a day: a full moon is called so on the
# whole of its day, and is a waxing or waning one on the days beside it.
HALF_A_DAY = 6.1


class Phase(StrEnum):
    """The names of the phases, in their order, from new moon on."""

    NEW = "new"
    WAXING_CRESCENT = "waxing-crescent"
    FIRST_QUARTER = "first-quarter"
    WAXING_GIBBOUS = "waxing-gibbous"
    FULL = "full"
    WANING_GIBBOUS = "waning-gibbous"
    LAST_QUARTER = "last-quarter"
    WANING_CRESCENT = "waning-crescent"


@dataclass(frozen=True, slots=True)
class Moon:
    """The Moon at a moment. `lit`: how much of its disc, from 0 to 1."""

    phase: Phase
    lit: float
    is_waxing: bool

    @property
    def percent(self) -> int:
        """How much of the disc is lit, in percent."""
        return round(self.lit * 100)


def moon_at(moment: datetime) -> Moon:
    """Tell how the Moon stands at a moment, as it is seen from the north."""
    date = ephem.Date(moment.astimezone(UTC).replace(tzinfo=None))
    moon, sun = ephem.Moon(date), ephem.Sun(date)
    ahead = degrees(ephem.Ecliptic(moon).lon - ephem.Ecliptic(sun).lon) % 360
    return Moon(phase_of(ahead), moon.phase / 100, ahead < 180)


def phase_of(ahead: float) -> Phase:
    """Name the phase by how many degrees the Moon is ahead of the Sun."""
    quarter, past = divmod((ahead + HALF_A_DAY) % 360, 90)
    return list(Phase)[int(quarter) * 2 + (past > 2 * HALF_A_DAY)]


def moon_tonight() -> Moon:
    """Tell how the Moon stands in this hour."""
    return _moon_in(now().replace(minute=0, second=0, microsecond=0))


# One is enough: hours do not come back.
_moon_in = lru_cache(maxsize=1)(moon_at)
