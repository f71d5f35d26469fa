"""A printed leaf: paper, type, inks and ornaments, whatever is written on it."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from math import cos, pi, sin
from typing import NamedTuple

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth

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
        self.y = TOP
        self.type(11)

    def output(self) -> bytes:
        """End the document; give its file."""
        self._number_page()
        with reading_faces:
            self._canvas.save()
        return self._file.getvalue()

    def type(self, size: float, colour: str = INK, face: str = UPRIGHT) -> None:
        """Take up a size in points, a colour and a face of type."""
        self._size, self._colour, self._face = size, colour, face

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
        self._canvas.setFont(self._face, self._size)
        self._canvas.setFillColor(HexColor(self._colour))
        taken = stringWidth(text, self._face, self._size) + spacing * (len(text) - 1)
        share = {"L": 0.0, "C": 0.5, "R": 1.0}[column.align]
        start = column.x * mm + share * (column.width * mm - taken)
        # Where letters stand: somewhat below the middle of the line.
        foot = _up(self.y + leading / 2) - 0.3 * self._size
        self._canvas.drawString(start, foot, text, charSpace=spacing)

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
        self.y = TOP
        return True

    def link(self, url: str, top: float) -> None:
        """Make a link of all between a height and here."""
        place = (MARGIN * mm, _up(self.y), (MARGIN + WIDTH) * mm, _up(top))
        self._canvas.linkURL(url, place)

    def head(self, name: str) -> None:
        """Draw the head of a page: moons, the studio's name, a double rule."""
        for place, turn in enumerate(PHASES):
            away = place - len(PHASES) // 2
            x = PAPER_WIDTH / 2 + 8 * away
            self.moon(x, TOP + 2, 2.6 - 0.3 * abs(away), turn)
        self.y = TOP + 8
        self.type(15)
        self.put(name.upper(), 8, MIDDLE, spacing=3)
        for below, width in ((10.4, 0.7), (11.6, 0.2)):
            self.rule(self.y + below, width, INK)
        self.y += 20

    def rule(self, y: float, width: float = 0.2, colour: str = LINE) -> None:
        """Draw a line over the width of the text."""
        self._canvas.setStrokeColor(HexColor(colour))
        self._canvas.setLineWidth(width * mm)
        self._canvas.line(MARGIN * mm, _up(y), (MARGIN + WIDTH) * mm, _up(y))

    def moon(self, x: float, y: float, radius: float, turn: float) -> None:
        """Draw the Moon; `turn`: 0 new, 0.25 first quarter, 0.5 full."""
        self._canvas.setFillColor(HexColor(SHADE))
        self._canvas.circle(x * mm, _up(y), radius * mm, stroke=0, fill=1)
        outline = [(x + radius * a, y + radius * b) for a, b in lit(turn)]
        self._canvas.setFillColor(HexColor(MOON))
        self._fill(outline)

    def _fill(self, outline: Sequence[tuple[float, float]]) -> None:
        path = self._canvas.beginPath()
        path.moveTo(outline[0][0] * mm, _up(outline[0][1]))
        for x, y in outline[1:]:
            path.lineTo(x * mm, _up(y))
        self._canvas.drawPath(path, stroke=0, fill=1)

    def _number_page(self) -> None:
        """Number the page, as books do."""
        kept = self._size, self._colour, self._face
        self.y = PAPER_HEIGHT - FOOT + 8
        self.type(10, SOFT)
        self.put(f"– {self._canvas.getPageNumber()} –", 5, MIDDLE)
        self.type(*kept)


def clean(text: str) -> str:
    """Leave only what the type can write."""
    composed = unicodedata.normalize("NFC", text.translate(SPELLED))
    return "".join(_legible(composed))


def _legible(text: str) -> Iterator[str]:
    for character in text:
        kind = unicodedata.category(character)[0]
        if character == "\n" or (character in LEGIBLE and kind != "C"):
            yield character
        elif kind not in "CM":
            yield STAND_IN


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
