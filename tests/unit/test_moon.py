"""Tonight's Moon: against dates of the almanac, and in her order."""

from datetime import UTC, datetime, timedelta

import pytest

from storefront.demo.almanac.moons import Quarter, phases
from storefront.web import moon as module
from storefront.web.moon import Moon, Phase, moon_at, moon_tonight

HOUR = timedelta(hours=1)
NAMES = {
    Quarter.NEW: Phase.NEW,
    Quarter.FIRST: Phase.FIRST_QUARTER,
    Quarter.FULL: Phase.FULL,
    Quarter.LAST: Phase.LAST_QUARTER,
}


def at(*moment: int) -> Moon:
    """Give the Moon at a moment of Universal Time."""
    return moon_at(datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("moment", "phase", "percent"),
    [
        ((2026, 11, 24, 14, 53), Phase.FULL, 100),
        ((2026, 12, 9, 0, 52), Phase.NEW, 0),
        ((2026, 12, 1, 6, 9), Phase.LAST_QUARTER, 50),
        ((2026, 12, 4, 12, 0), Phase.WANING_CRESCENT, 19),
        ((2026, 12, 12, 12, 0), Phase.WAXING_CRESCENT, 10),
        ((2026, 12, 20, 18, 0), Phase.WAXING_GIBBOUS, 85),
        ((2026, 11, 27, 12, 0), Phase.WANING_GIBBOUS, 88),
    ],
)
def test_known_nights(moment: tuple[int, ...], phase: Phase, percent: int) -> None:
    moon = at(*moment)
    assert (moon.phase, moon.percent) == (phase, percent)


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_header_agrees_with_the_almanac(year: int) -> None:
    for phase in phases(year):
        moon = moon_at(phase.at)
        assert moon.phase is NAMES[phase.quarter], phase
        assert abs(moon.lit - (0, 0.5, 1, 0.5)[phase.quarter]) < 0.01, phase


def test_before_the_full_moon_she_waxes_and_after_it_she_wanes() -> None:
    full = datetime(2026, 11, 24, 14, 53, tzinfo=UTC)
    assert moon_at(full - HOUR).is_waxing
    assert not moon_at(full + HOUR).is_waxing


def test_a_month_shows_every_phase_in_its_order() -> None:
    new = datetime(2026, 12, 9, 0, 52, tzinfo=UTC)
    seen = [moon_at(new + hour * HOUR).phase for hour in range(29 * 24)]
    assert list(dict.fromkeys(seen))[: len(Phase)] == list(Phase)


def test_she_is_computed_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    moons = []
    for minutes in (0, 59, 60):
        monkeypatch.setattr(module, "now", lambda m=minutes: start + m * HOUR / 60)
        moons.append(moon_tonight())
    assert moons[0] is moons[1]
    assert moons[1] is not moons[2]
