"""When the Moon is new, half and full, and how round it is on any day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from math import cos, radians, sin


class Quarter(IntEnum):
    """The four phases that have a moment."""

    NEW, FIRST, FULL, LAST = range(4)

    @property
    def words(self) -> str:
        """Give its name as almanacs print it."""
        return ("New moon", "First quarter", "Full moon", "Last quarter")[self]


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase and its moment, in Universal Time."""

    quarter: Quarter
    at: datetime


# Jean Meeus, Astronomical Algorithms, 2nd edition, chapter 49. Each row: days for a
# new moon, days for a full one; the power of E; multiples of M, M', F.
SYZYGIES = (
    (-0.40720, -0.40614, 0, 0, 1, 0), (0.17241, 0.17302, 1, 1, 0, 0),
    (0.01608, 0.01614, 0, 0, 2, 0), (0.01039, 0.01043, 0, 0, 0, 2),
    (0.00739, 0.00734, 1, -1, 1, 0), (-0.00514, -0.00515, 1, 1, 1, 0),
    (0.00208, 0.00209, 2, 2, 0, 0), (-0.00111, -0.00111, 0, 0, 1, -2),
    (-0.00057, -0.00057, 0, 0, 1, 2), (0.00056, 0.00056, 1, 1, 2, 0),
    (-0.00042, -0.00042, 0, 0, 3, 0), (0.00042, 0.00042, 1, 1, 0, 2),
    (0.00038, 0.00038, 1, 1, 0, -2), (-0.00024, -0.00024, 1, -1, 2, 0),
)  # fmt: skip
QUARTERS = (
    (-0.62801, 0, 0, 1, 0), (0.17172, 1, 1, 0, 0), (-0.01183, 1, 1, 1, 0),
    (0.00862, 0, 0, 2, 0), (0.00804, 0, 0, 0, 2), (0.00454, 1, -1, 1, 0),
    (0.00204, 2, 2, 0, 0), (-0.00180, 0, 0, 1, -2), (-0.00070, 0, 0, 1, 2),
    (-0.00040, 0, 0, 3, 0), (-0.00034, 1, -1, 2, 0), (0.00032, 1, 1, 0, 2),
    (0.00032, 1, 1, 0, -2), (-0.00028, 2, 2, 1, 0), (0.00027, 1, 1, 2, 0),
)  # fmt: skip
# What is left of the chapter's terms stays below two minutes.
JULIAN_2000 = datetime(2000, 1, 1, 12, tzinfo=UTC), 2451545.0
# Dynamical Time runs ahead of Universal Time; in 2027 by about this much.
DELTA_T = timedelta(seconds=70)


def julian_phase(lunation: float) -> float:
    """Give the Julian Ephemeris Day of a phase; whole lunations are new moons."""
    k, t = lunation, lunation / 1236.85
    quarter = Quarter(round(k * 4) % 4)
    sun = radians(2.5534 + 29.10535670 * k)
    moon = radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2)
    node = radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2)
    ascent = radians(124.7746 - 1.56375588 * k)
    e = 1 - 0.002516 * t - 0.0000074 * t**2
    mean = 2451550.09766 + 29.530588861 * k + 0.00015437 * t**2
    if quarter in (Quarter.NEW, Quarter.FULL):
        rows = [(row[quarter // 2], *row[2:]) for row in SYZYGIES]
    else:
        rows = list(QUARTERS)
    true = sum(
        days * e**power * sin(m * sun + m1 * moon + f * node)
        for days, power, m, m1, f in rows
    )
    widening = 0.00306 - 0.00038 * e * cos(sun) + 0.00026 * cos(moon)
    side = {Quarter.FIRST: 1, Quarter.LAST: -1}.get(quarter, 0)
    return mean + true - 0.00017 * sin(ascent) + side * widening


def phases(year: int) -> Iterator[Phase]:
    """Give the phases of a year, and the ones just before and after it."""
    first = round((year - 2000) * 12.3685) - 1
    epoch, julian = JULIAN_2000
    for step in range(first * 4, first * 4 + 60):
        days = julian_phase(step / 4) - julian
        yield Phase(Quarter(step % 4), epoch + timedelta(days=days) - DELTA_T)


def roundness(moment: datetime, known: Sequence[Phase]) -> float:
    """Give how far the Moon is on its way: 0 new, 90 half, 180 full, 270 half."""
    for before, after in pairwise(known):
        if before.at <= moment < after.at:
            share = (moment - before.at) / (after.at - before.at)
            return (90 * before.quarter + 90 * share) % 360
    raise ValueError("no phase around this moment")
