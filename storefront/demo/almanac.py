"""Makes the demo's digital almanac: `python -m storefront.demo.almanac PATH`.

The moons are computed here; the same words and year give the same bytes.
"""

import calendar
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from math import cos, radians, sin
from pathlib import Path

from fpdf import FPDF

YEAR = 2027
MADE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WIDTH, HEIGHT, MARGIN = 148.0, 210.0, 14.0
NIGHT, INK, SOFT, RUBRIC = "#1a2350", "#1d2547", "#6b6f86", "#a3241c"
MOON, SHADE, LINE = "#f6ebcf", "#3a4576", "#d6cbb0"
# How far a Bézier's handles reach to make a quarter of a circle.
ROUND = 0.5523

# ── When the moons are ──────────────────────────────────────────────────────────────


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


def roundness(moment: datetime, known: list[Phase]) -> float:
    """Give how far the Moon is on its way: 0 new, 90 half, 180 full, 270 half."""
    for before, after in zip(known, known[1:], strict=False):
        if before.at <= moment < after.at:
            share = (moment - before.at) / (after.at - before.at)
            return (90 * before.quarter + 90 * share) % 360
    raise ValueError("no phase around this moment")


# ── What the months are like ────────────────────────────────────────────────────────

MONTHS = (
    "The year begins in the dark, and that is a help: nobody expects much of a seed in "
    "January. Keep one evening free for a list of what you have carried over and no "
    "longer want to carry. Cross out three things. Frost makes the sky clear; go out "
    "once after supper and find Orion above the roofs.",
    "Short, wet and generous with light: each evening is two minutes longer than the "
    "one before. On the 6th the Moon covers the middle of the Sun over Chile, Argentina "
    "and the Atlantic. Mend things this month, shoes and sentences both. "
    "Almond trees flower in the Douro while it rains.",
    "On the 20th day and night weigh the same. It is a good week for looking at your "
    "own scales: what do you give, what comes back? Move one hour from the second to "
    "the first, or the other way round. Sow peas, air the blankets, answer the letter.",
    "April does not keep appointments. Plan half of what you would plan in June, and "
    "take the coat. What you began in winter shows its first leaves now, and also "
    "where it stands too close. Thinning out is part of growing.",
    "Everything wants to be outside, you as well. Take the one conversation that has "
    "been sitting indoors for weeks for a walk. At the full moon the evenings smell of "
    "elder; there is no hurry to go home.",
    "The Sun stands still on the 21st and turns. The longest day is a fair place to "
    "look both ways: half the year is lived, half is open. Write down five things from "
    "the first half that you would like again. Then switch off the lamp early.",
    "Heat slows the hands, and that is what it is for. Do the heavy things before ten. "
    "Leave one day in this month with nothing written on it, and defend it. The Milky "
    "Way is best around the new moon, away from the coast road.",
    "On the 2nd, around ten in the morning, the Moon covers the whole Sun from the "
    "Strait of Gibraltar to Luxor; from Porto it is a deep bite. Never look without "
    "a proper filter. Ten days later the Perseids fall, "
    "and the Moon will have set by midnight.",
    "The year turns its second page on the 23rd, level again, but with full baskets. "
    "Count what has ripened before you ask for more. Then choose what you will keep "
    "over winter and what you will share while it is sweet.",
    "The clocks go back on the last Sunday and give you an hour. Do not spend it on "
    "the screen. Rake, sort, label. What can be put in a jar or in a drawer now will "
    "not call you in the night in February.",
    "Fog teaches patience: you see three steps, and three steps are enough. Visit "
    "somebody who does not expect it. The nights around the full moon are bright "
    "enough to walk by, once the leaves are down.",
    "On the 22nd the light begins to come back, too little to notice before Epiphany. "
    "Until then there are candles and the people around the table. Leaf through this "
    "book from the front. What returned, month after month, is yours.",
)

# ── The book ────────────────────────────────────────────────────────────────────────


class Almanac(FPDF):
    """A small book in A5."""

    def __init__(self, year: int) -> None:
        super().__init__(format=(WIDTH, HEIGHT))
        self.year, self.known = year, list(phases(year))
        self.set_auto_page_break(auto=False)
        self.set_margin(MARGIN)
        self.set_creation_date(MADE)
        self.set_title(f"Almanac {year}")
        self.set_author("Lunaria")
        self.set_lang("en")

    def write_book(self) -> None:
        """Lay out the pages: sixteen, so that they fold into a booklet."""
        self.cover()
        self.guide()
        self.overview()
        for month in range(1, 13):
            self.month(month)
        self.notes()

    def cover(self) -> None:
        """Draw twelve moons around the year."""
        self.add_page()
        self.set_fill_color(NIGHT)
        self.rect(0, 0, WIDTH, HEIGHT, style="F")
        self.set_draw_color(MOON)
        for inset, width in ((8, 0.7), (9.6, 0.2)):
            self.set_line_width(width)
            self.rect(inset, inset, WIDTH - 2 * inset, HEIGHT - 2 * inset)
        for i in range(12):
            turn = radians(30 * i - 90)
            x, y = WIDTH / 2 + 42 * cos(turn), 92 + 42 * sin(turn)
            self.moon(x, y, 8.2, 30 * i)
        self.line_of(str(self.year), 84, 44, MOON)
        self.line_of("ALMANAC", 158, 25, MOON, spacing=5)
        self.line_of("the moons of the year, a page a month", 171, 12, MOON, "I")
        self.line_of("Lunaria, Porto", 190, 11, MOON)

    def guide(self) -> None:
        """Say how to read the book, and where its figures come from."""
        self.page("How to read this book")
        self.prose(
            "Each month has a page. In the calendar the Moon is drawn as it stands at "
            "noon of that day, seen from the northern half of the Earth: it grows from "
            "the right and wanes from the right. In the south, turn the page upside "
            "down.\n\nDays in red are those of the four phases. Their hours are in "
            "Universal Time (UTC), as in Portugal in winter. In summer add one hour in "
            "Portugal, two in Spain, France and Germany; in winter one hour there. Just "
            "before midnight this may carry a moon into the next day.\n\nThe lines at "
            "the foot of the pages are for you: what you planted, whom you met, how you "
            "slept. One word a day is plenty."
        )
        for i, quarter in enumerate(Quarter):
            self.moon(30 + 30 * i, 148, 8, 90 * quarter)
            self.text_at(15 + 30 * i, 159, 30, quarter.words, 10, INK)
        self.set_y(176)
        self.prose(
            "The moments were computed after Jean Meeus, Astronomical Algorithms, "
            "second edition, chapter 49, and are right to about two minutes. This is a "
            "book to look up at the sky with. It promises nothing, and it is no use for "
            "navigation.",
            size=9.5,
        )

    def overview(self) -> None:
        """Print all phases of the year on one page."""
        self.page(f"The moons of {self.year}")
        columns = [44 + 25.5 * i for i in range(4)]
        for x, quarter in zip(columns, Quarter, strict=True):
            self.moon(x + 5, 41, 3.4, 90 * quarter)
        for month in range(1, 13):
            top = 50 + 12.2 * (month - 1)
            self.rule(top, LINE)
            self.text_at(
                MARGIN, top + 6, 30, calendar.month_name[month], 11, RUBRIC, align="L"
            )
            seen: list[Quarter] = []
            for phase in self.of_month(month):
                shift = 4.6 * seen.count(phase.quarter)
                moment = f"{phase.at.day}, {phase.at:%H:%M}"
                self.text_at(
                    columns[phase.quarter], top + 4.6 + shift, 24, moment, 10, INK,
                    align="L",
                )  # fmt: skip
                seen.append(phase.quarter)
        self.rule(50 + 12.2 * 12, LINE)

    def month(self, month: int) -> None:
        """Lay out a month: its days with their moons, its phases, its words, lines."""
        self.page(calendar.month_name[month])
        self.days(month)
        top = self.get_y() + 5
        for i, phase in enumerate(self.of_month(month)):
            x, y = MARGIN + 62 * (i % 2), top + 7.5 * (i // 2)
            self.moon(x + 3, y, 2.6, 90 * phase.quarter)
            words = f"{phase.quarter.words}, {phase.at.day} at {phase.at:%H:%M}"
            self.text_at(x + 8, y + 1.4, 54, words, 10.5, INK, align="L")
        self.set_y(top + 7.5 * ((len(self.of_month(month)) + 1) // 2) + 1)
        self.prose(MONTHS[month - 1])
        self.lines(self.get_y() + 9)

    def days(self, month: int) -> None:
        """Draw the calendar, Monday first."""
        width = (WIDTH - 2 * MARGIN) / 7
        for i, name in enumerate(calendar.day_abbr):
            self.text_at(MARGIN + width * i, 40, width, name, 9, SOFT)
        marked = {phase.at.day for phase in self.of_month(month)}
        weeks = calendar.Calendar().monthdatescalendar(self.year, month)
        for row, week in enumerate(weeks):
            top = 43 + 14.2 * row
            self.rule(top, LINE)
            for column, day in enumerate(week):
                if day.month == month:
                    self.day(MARGIN + width * column, top, width, day, marked)
        self.rule(43 + 14.2 * len(weeks), LINE)
        self.set_y(43 + 14.2 * len(weeks))

    def day(
        self, x: float, y: float, width: float, day: date, marked: set[int]
    ) -> None:
        """Draw a day: its number, and the Moon at noon."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        special = day.day in marked
        degrees = roundness(noon, self.known)
        if special:
            degrees = round(degrees / 90) * 90 % 360
        self.moon(x + width / 2, y + 9.4, 3.4 if special else 2.5, degrees)
        color, style = (RUBRIC, "B") if special else (INK, "")
        self.text_at(x, y + 4.8, width, str(day.day), 10.5, color, style)

    def notes(self) -> None:
        """Leave a page for the reader."""
        self.page("Notes")
        self.lines(44)

    def of_month(self, month: int) -> list[Phase]:
        """Give the phases of a month."""
        wanted = (self.year, month)
        return [one for one in self.known if (one.at.year, one.at.month) == wanted]

    # Drawing

    def page(self, title: str) -> None:
        """Begin a page with its title and number."""
        self.add_page()
        self.start_section(title)
        self.line_of(title, 25, 24, INK)
        for y, width in ((30, 0.6), (31.2, 0.2)):
            self.rule(y, INK, width)
        self.line_of(str(self.page_no()), 202, 9, SOFT)

    def moon(self, x: float, y: float, radius: float, degrees: float) -> None:
        """Draw a disc and on it what is lit; `degrees` as in roundness()."""
        self.set_fill_color(SHADE)
        self.set_draw_color(INK)
        self.set_line_width(0.15)
        self.ellipse(x - radius, y - radius, 2 * radius, 2 * radius, style="DF")
        if degrees % 360 < 1:
            return
        side = radius if degrees <= 180 else -radius
        edge = side * cos(radians(degrees))
        with self.new_path() as path:
            path.style.fill_color = MOON
            path.style.stroke_color = None
            path.move_to(x, y - radius)
            h = radius * ROUND
            path.curve_to(x + side * ROUND, y - radius, x + side, y - h, x + side, y)
            path.curve_to(
                x + side, y + h, x + side * ROUND, y + radius, x, y + radius
            )
            path.curve_to(x + edge * ROUND, y + radius, x + edge, y + h, x + edge, y)
            path.curve_to(
                x + edge, y - h, x + edge * ROUND, y - radius, x, y - radius
            )
            path.close()

    def line_of(
        self,
        text: str,
        y: float,
        size: float,
        color: str,
        style: str = "",
        spacing: float = 0,
    ) -> None:
        """Write a centred line; `y` is where its letters stand."""
        self.set_char_spacing(spacing)
        self.text_at(0, y, WIDTH, text, size, color, style)
        self.set_char_spacing(0)

    def text_at(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        size: float,
        color: str,
        style: str = "",
        align: str = "C",
    ) -> None:
        """Write words whose letters stand at `y`, within a width."""
        self.set_font("times", style, size)
        self.set_text_color(color)
        free = width - self.get_string_width(text)
        self.text(x + (free / 2 if align == "C" else 0), y, text)

    def prose(self, text: str, size: float = 11.5) -> None:
        """Write a paragraph from margin to margin."""
        self.set_font("times", "", size)
        self.set_text_color(INK)
        self.set_x(MARGIN)
        self.multi_cell(
            WIDTH - 2 * MARGIN, size * 0.46, text, align="L", new_x="LEFT", new_y="NEXT"
        )

    def rule(self, y: float, color: str, width: float = 0.25) -> None:
        """Draw a line from margin to margin."""
        self.set_draw_color(color)
        self.set_line_width(width)
        self.line(MARGIN, y, WIDTH - MARGIN, y)

    def lines(self, top: float) -> None:
        """Rule the rest of the page for handwriting."""
        y = top
        while y <= 192:
            self.rule(y, LINE)
            y += 8


def main(path: str) -> None:
    """Write the book to a file."""
    book = Almanac(YEAR)
    book.write_book()
    Path(path).write_bytes(bytes(book.output()))


if __name__ == "__main__":
    main(sys.argv[1])
