"""The almanac's pages, drawn with the core fonts of every PDF reader."""

import calendar
from datetime import UTC, date, datetime
from io import BytesIO
from math import cos, radians, sin

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth

from storefront.demo.almanac.moons import Phase, Quarter, phases, roundness
from storefront.demo.almanac.words import MONTHS
from storefront.letters.document import begin_document

# The same year and words give the same bytes.
MADE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
# In millimetres, like all places and lengths; type is measured in points.
WIDTH, HEIGHT, MARGIN = 148.0, 210.0, 14.0
ROMAN, ITALIC, BOLD = "Times-Roman", "Times-Italic", "Times-Bold"
NIGHT, INK, SOFT, RUBRIC = "#1a2350", "#1d2547", "#6b6f86", "#a3241c"
MOON, SHADE, LINE = "#f6ebcf", "#3a4576", "#d6cbb0"
# How far a Bézier's handles reach to make a quarter of a circle.
ROUND = 0.5523


class Almanac:
    """A small book in A5."""

    def __init__(self, year: int) -> None:
        self.year, self.known = year, list(phases(year))
        self._file = BytesIO()
        paper, title = (WIDTH, HEIGHT), f"Almanac {year}"
        self._canvas = begin_document(self._file, paper, title, "Lunaria", "en", MADE)

    def write_book(self) -> bytes:
        """Lay out the pages: sixteen, so that they fold into a booklet."""
        self.cover()
        self.guide()
        self.overview()
        for month in range(1, 13):
            self.month(month)
        self.notes()
        self._canvas.save()
        return self._file.getvalue()

    def cover(self) -> None:
        """Draw twelve moons around the year."""
        self._canvas.setFillColor(HexColor(NIGHT))
        self._canvas.rect(0, 0, WIDTH * mm, HEIGHT * mm, stroke=0, fill=1)
        self._canvas.setStrokeColor(HexColor(MOON))
        for inset, width in ((8, 0.7), (9.6, 0.2)):
            self._canvas.setLineWidth(width * mm)
            inner, outer = (WIDTH - 2 * inset) * mm, (HEIGHT - 2 * inset) * mm
            self._canvas.rect(inset * mm, inset * mm, inner, outer)
        for i in range(12):
            turn = radians(30 * i - 90)
            x, y = WIDTH / 2 + 42 * cos(turn), 92 + 42 * sin(turn)
            self.moon(x, y, 8.2, 30 * i)
        self.line_of(str(self.year), 97.5, 46, MOON)
        self.line_of("ALMANAC", 158, 25, MOON, spacing=5)
        self.line_of("the moons of the year, a page a month", 171, 12, MOON, ITALIC)
        self.line_of("Lunaria, Porto", 190, 11, MOON)

    def guide(self) -> None:
        """Say how to read the book, and where its figures come from."""
        self.begin("How to read this book")
        self.prose(
            38,
            "Each month has a page. In the calendar the Moon is drawn as it stands at "
            "noon of that day, seen from the northern half of the Earth: it grows from "
            "the right and wanes from the right. In the south, turn the page upside "
            "down.\n\nDays in red are those of the four phases. Their hours are in "
            "Universal Time (UTC), as in Portugal in winter. In summer add one hour "
            "in Portugal, two in Spain, France and Germany; in winter one hour there. "
            "Just before midnight this may carry a moon into the next day.\n\nThe "
            "lines at the foot of the pages are for you: what you planted, whom you "
            "met, how you slept. One word a day is plenty.",
        )
        for i, quarter in enumerate(Quarter):
            self.moon(29 + 30 * i, 140, 8, 90 * quarter)
            self.text_at(14 + 30 * i, 154, 30, quarter.words, 10, INK)
        self.prose(
            176,
            "The moments were computed after Jean Meeus, Astronomical Algorithms, "
            "second edition, chapter 49, and are right to about two minutes. This is "
            "a book for looking up at the sky. It promises nothing, and it is no use "
            "for navigation.",
            size=9.5,
        )

    def overview(self) -> None:
        """Print all phases of the year on one page."""
        self.begin(f"The moons of {self.year}")
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
        self.begin(calendar.month_name[month])
        top = self.days(month) + 5
        for i, phase in enumerate(self.of_month(month)):
            x, y = MARGIN + 62 * (i % 2), top + 7.5 * (i // 2)
            self.moon(x + 3, y, 2.6, 90 * phase.quarter)
            words = f"{phase.quarter.words}, {phase.at.day} at {phase.at:%H:%M}"
            self.text_at(x + 8, y + 1.4, 54, words, 10.5, INK, align="L")
        below = top + 7.5 * ((len(self.of_month(month)) + 1) // 2) + 1
        self.ruled(self.prose(below, MONTHS[month - 1]) + 9)

    def days(self, month: int) -> float:
        """Draw the calendar, Monday first; give where it ends."""
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
        end = 43 + 14.2 * len(weeks)
        self.rule(end, LINE)
        return end

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
        color, face = (RUBRIC, BOLD) if special else (INK, ROMAN)
        self.text_at(x, y + 4.8, width, str(day.day), 10.5, color, face)

    def notes(self) -> None:
        """Leave a page for the reader."""
        self.begin("Notes")
        self.ruled(44)

    def of_month(self, month: int) -> list[Phase]:
        """Give the phases of a month."""
        wanted = (self.year, month)
        return [one for one in self.known if (one.at.year, one.at.month) == wanted]

    # Drawing

    def begin(self, title: str) -> None:
        """Begin a page with its title and number."""
        self._canvas.showPage()
        self._canvas.bookmarkPage(title)
        self._canvas.addOutlineEntry(title, title)
        self.line_of(title, 25, 24, INK)
        for y, width in ((30, 0.6), (31.2, 0.2)):
            self.rule(y, INK, width)
        self.line_of(str(self._canvas.getPageNumber()), 202, 9, SOFT)

    def moon(self, x: float, y: float, radius: float, degrees: float) -> None:
        """Draw a disc and on it what is lit; `degrees` as in roundness()."""
        self._canvas.setFillColor(HexColor(SHADE))
        self._canvas.setStrokeColor(HexColor(INK))
        self._canvas.setLineWidth(0.15 * mm)
        self._canvas.circle(x * mm, _up(y), radius * mm, fill=1)
        if degrees % 360 < 1:
            return
        side = radius if degrees <= 180 else -radius
        edge = side * cos(radians(degrees))
        h = radius * ROUND
        path = self._canvas.beginPath()
        path.moveTo(x * mm, _up(y - radius))
        for points in (
            (x + side * ROUND, y - radius, x + side, y - h, x + side, y),
            (x + side, y + h, x + side * ROUND, y + radius, x, y + radius),
            (x + edge * ROUND, y + radius, x + edge, y + h, x + edge, y),
            (x + edge, y - h, x + edge * ROUND, y - radius, x, y - radius),
        ):
            pairs = zip(points[::2], points[1::2], strict=True)
            path.curveTo(*(at for a, b in pairs for at in (a * mm, _up(b))))
        path.close()
        self._canvas.setFillColor(HexColor(MOON))
        self._canvas.drawPath(path, stroke=0, fill=1)

    def line_of(
        self,
        text: str,
        y: float,
        size: float,
        color: str,
        face: str = ROMAN,
        spacing: float = 0,
    ) -> None:
        """Write a centred line; `y` is where its letters stand."""
        self.text_at(0, y, WIDTH, text, size, color, face, spacing=spacing)

    def text_at(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        size: float,
        color: str,
        face: str = ROMAN,
        align: str = "C",
        spacing: float = 0,
    ) -> None:
        """Write words whose letters stand at `y`, within a width."""
        self._canvas.setFont(face, size)
        self._canvas.setFillColor(HexColor(color))
        taken = stringWidth(text, face, size) + spacing * (len(text) - 1)
        start = x * mm + ((width * mm - taken) / 2 if align == "C" else 0)
        self._canvas.drawString(start, _up(y), text, charSpace=spacing)

    def prose(self, top: float, text: str, size: float = 11.5) -> float:
        """Write paragraphs from margin to margin; give where they end."""
        leading, width = size * 0.46, WIDTH - 2 * MARGIN
        lines = [
            line
            for paragraph in text.split("\n")
            for line in simpleSplit(paragraph, ROMAN, size, width * mm) or [""]
        ]
        for line in lines:
            # As high above the foot of its line as type of this size stands.
            foot = top + leading / 2 + 0.3 * size / mm
            self.text_at(MARGIN, foot, width, line, size, INK, align="L")
            top += leading
        return top

    def rule(self, y: float, color: str, width: float = 0.25) -> None:
        """Draw a line from margin to margin."""
        self._canvas.setStrokeColor(HexColor(color))
        self._canvas.setLineWidth(width * mm)
        self._canvas.line(MARGIN * mm, _up(y), (WIDTH - MARGIN) * mm, _up(y))

    def ruled(self, top: float) -> None:
        """Rule the rest of the page for handwriting."""
        y = top
        while y <= 192:
            self.rule(y, LINE)
            y += 8


def _up(y: float) -> float:
    """Give a place in points, counted from the foot of the page."""
    return float((HEIGHT - y) * mm)
