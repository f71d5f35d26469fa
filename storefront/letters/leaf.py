"""A printed leaf: paper, type, inks and ornaments, whatever is written on it."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from io import BytesIO
from math import cos, pi, sin
from typing import NamedTuple

from reportlab.lib.colors import HexColor
from reportlab.lib.rl_accel import fp_str
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.pathobject import PDFPathObject

from storefront.letters.document import begin_document
from storefront.letters.typeface import LEGIBLE, UPRIGHT, reading_faces, wrap

INK, SOFT, RUBRIC = "#1d2547", "#565b76", "#a3241c"
MOON, SHADE, LINE = "#e6c67c", "#1d2547", "#d8cdb2"
# A4 and its margins, in millimetres like all places and lengths here.
PAPER_WIDTH, PAPER_HEIGHT = 210.0, 297.0
MARGIN, TOP, FOOT = 25.0, 20.0, 24.0
WIDTH = PAPER_WIDTH - 2 * MARGIN
STAND_IN = "□"
# Signs of money that the type lacks, and a thin space.
SPELLED = str.maketrans({"₪": "ILS", "฿": "THB", "\u202f": "\u00a0"})
# New Moon to new Moon, full in the middle.
PHASES = (0.08, 0.2, 0.34, 0.5, 0.66, 0.8, 0.92)


class Column(NamedTuple):
    """Where lines stand, and at which side of it: "L", "R", or "C" in the middle."""

    x: float = MARGIN
    width: float = WIDTH
    align: str = "L"


# How much of the room that a line leaves lies before it.
SHARES = {"L": 0.0, "C": 0.5, "R": 1.0}
LEFT, MIDDLE, RIGHT = Column(), Column(align="C"), Column(align="R")


class Leaf:
    """A4 in the studio's type. What the type cannot write becomes a small square.

    `y`: how far from the top the next line begins.
    """

    def __init__(self, title: str, author: str, language: str, made: datetime) -> None:
        """Begin the first page; the same facts give the same bytes.

        :param made: in UTC.
        """
        self._file = BytesIO()
        paper = PAPER_WIDTH, PAPER_HEIGHT
        self._canvas = begin_document(
            self._file, paper, title, author, language, made, initialFontName=UPRIGHT
        )
        self._pen: tuple[str, float, str] | None = None
        self.y = TOP
        self.type(11)

    def output(self) -> bytes:
        """End the document; give its file."""
        self._number_page()
        with reading_faces:
            self._canvas.save()
        return self._file.getvalue()

    def type(self, size: float, ink: str = INK, face: str = UPRIGHT) -> None:
        """Take up a size in points, an ink and a face of type."""
        self._size, self._ink, self._face = size, ink, face

    def put(
        self, text: str, leading: float, column: Column = LEFT, spacing: float = 0
    ) -> None:
        """Write one line, and stay at its head.

        :param leading: its height.
        :param spacing: between its letters, in points.
        """
        self._write(clean(text), leading, column, spacing)

    def _write(
        self, text: str, leading: float, column: Column, spacing: float = 0
    ) -> None:
        self._take_pen()
        start = column.x * mm
        if share := SHARES[column.align]:
            taken = stringWidth(text, self._face, self._size)
            taken += spacing * (len(text) - 1)
            start += share * (column.width * mm - taken)
        # Where letters stand: somewhat below the middle of the line.
        foot = _up(self.y + leading / 2) - 0.3 * self._size
        self._canvas.drawString(start, foot, text, charSpace=spacing)

    def _take_pen(self) -> None:
        """Say which type and ink, where it is not that of the line before."""
        pen = self._face, self._size, self._ink
        if pen != self._pen:
            self._canvas.setFont(self._face, self._size)
            self._canvas.setFillColor(_colour(self._ink))
            self._pen = pen

    def say(self, text: str, leading: float, column: Column = LEFT) -> None:
        """Write a paragraph, overleaf where it must, and stand below it."""
        for line in self.lines(text, column):
            self.make_room(leading)
            self._write(line, leading, column)
            self.y += leading

    def lines(self, text: str, column: Column) -> list[str]:
        """Break text as it will be written."""
        return wrap(clean(text), self._face, self._size, column.width * mm)

    def make_room(self, height: float) -> bool:
        """Go on overleaf if so much does not fit below; tell whether that was so."""
        if self.y + height <= PAPER_HEIGHT - FOOT:
            return False
        self._number_page()
        self._canvas.showPage()
        # A page begins with no ink of the one before.
        self._pen = None
        self.y = TOP
        return True

    def link(self, url: str, top: float) -> None:
        """Make a link of all between a height and here."""
        place = (MARGIN * mm, _up(self.y), (MARGIN + WIDTH) * mm, _up(top))
        self._canvas.linkURL(url, place)

    def head(self, name: str) -> None:
        """Draw the head of a page: moons, the studio's name, a double rule."""
        self._canvas.addLiteral(_moons())
        self._pen = None
        self.y = TOP + 8
        self.type(15)
        self.put(name.upper(), 8, MIDDLE, spacing=3)
        for below, width in ((10.4, 0.7), (11.6, 0.2)):
            self.rule(self.y + below, width, INK)
        self.y += 20

    def rule(self, y: float, width: float = 0.2, ink: str = LINE) -> None:
        """Draw a line over the width of the text."""
        self._canvas.setStrokeColor(_colour(ink))
        self._canvas.setLineWidth(width * mm)
        self._canvas.line(MARGIN * mm, _up(y), (MARGIN + WIDTH) * mm, _up(y))

    def _number_page(self) -> None:
        """Number the page, as books do."""
        kept = self._size, self._ink, self._face
        self.y = PAPER_HEIGHT - FOOT + 8
        self.type(10, SOFT)
        self.put(f"– {self._canvas.getPageNumber()} –", 5, MIDDLE)
        self.type(*kept)


def clean(text: str) -> str:
    """Leave only what the type can write."""
    composed = unicodedata.normalize("NFC", text.translate(SPELLED))
    if LEGIBLE.issuperset(composed):
        return composed
    return "".join(_legible(composed))


def _legible(text: str) -> Iterator[str]:
    for character in text:
        if character == "\n" or character in LEGIBLE:
            yield character
        elif unicodedata.category(character)[0] not in "CM":
            yield STAND_IN


_colour = cache(HexColor)


@cache
def _moons() -> str:
    """Draw the Moons of a head in the language of PDF: the same on every receipt."""
    drawn = []
    for place, turn in enumerate(PHASES):
        away = place - len(PHASES) // 2
        x, radius = PAPER_WIDTH / 2 + 8 * away, 2.6 - 0.3 * abs(away)
        shade, light = PDFPathObject(), PDFPathObject()
        shade.circle(x * mm, _up(TOP + 2), radius * mm)
        outline = [(x + radius * a, TOP + 2 + radius * b) for a, b in lit(turn)]
        light.moveTo(outline[0][0] * mm, _up(outline[0][1]))
        for across, down in outline[1:]:
            light.lineTo(across * mm, _up(down))
        for path, ink in ((shade, SHADE), (light, MOON)):
            drawn += [f"{fp_str(_colour(ink).rgb())} rg", path.getCode(), "f*"]
    return " ".join(drawn)


def _up(y: float) -> float:
    """Give a place in points, counted from the foot of the page."""
    return float((PAPER_HEIGHT - y) * mm)


def lit(turn: float) -> list[tuple[float, float]]:
    """Give the outline of the lit part of a Moon of radius 1: limb and terminator."""
    side = 1 if turn < 0.5 else -1
    bulge = cos(2 * pi * turn)
    angles = [pi * step / 16 - pi / 2 for step in range(17)]
    limb = [(side * cos(angle), sin(angle)) for angle in angles]
    terminator = [(side * bulge * cos(angle), sin(angle)) for angle in angles]
    return limb + terminator[::-1]
