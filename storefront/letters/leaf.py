"""A printed leaf: paper, type, inks and ornaments, whatever is written on it."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from math import cos, pi, sin
from typing import Self

from fpdf import FPDF
from fpdf.prefs import ViewerPreferences

from storefront.letters.typeface import EVERYDAY, STAND_IN, Typeface, close, legible

INK, SOFT, RUBRIC = "#1d2547", "#565b76", "#a3241c"
MOON, SHADE, LINE = "#e6c67c", "#1d2547", "#d8cdb2"
MARGIN, TOP, FOOT = 25.0, 20.0, 24.0
FAMILY = "EB Garamond"
# Signs of money that the type lacks, and a thin space.
SPELLED = str.maketrans({"₪": "ILS", "฿": "THB", "\u202f": "\u00a0"})
# New Moon to new Moon, full in the middle.
PHASES = (0.08, 0.2, 0.34, 0.5, 0.66, 0.8, 0.92)


class Leaf(FPDF):
    """A4 in the studio's type. What the type cannot write becomes a small square.

    Raises `LetterMissing` where a text needs the whole type.
    """

    def __init__(
        self,
        title: str,
        author: str,
        language: str,
        made: datetime,
        typeface: Typeface = EVERYDAY,
    ) -> None:
        super().__init__(format="A4")
        self.set_title(title)
        self.set_author(author)
        self.set_lang(language)
        # The same facts give the same bytes.
        self.set_creation_date(made)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_margins(MARGIN, TOP)
        self.set_auto_page_break(True, FOOT)
        self.c_margin = 0
        self._typeface = typeface
        typeface.add_to(self, FAMILY)
        self.add_page()

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the type's files, which are read until the document is put out."""
        close(self)

    def normalize_text(self, text: str) -> str:
        """Leave only what the type can write; whatever is drawn comes by here."""
        composed = unicodedata.normalize("NFC", text.translate(SPELLED))
        written = "".join(_legible(composed))
        self._typeface.expect(written)
        return written

    def footer(self) -> None:
        """Number the page, as books do."""
        self.set_y(-FOOT + 8)
        self.type(10, SOFT)
        self.cell(0, 5, f"– {self.page_no()} –", align="C")

    def type(self, size: float, colour: str = INK, style: str = "") -> None:
        """Take up a size, a colour and a style of type."""
        self.set_font(FAMILY, style, size)
        self.set_text_color(colour)

    def say(
        self, text: str, leading: float, align: str = "L", width: float = 0
    ) -> None:
        """Write a paragraph, and stand below it where it began."""
        self.multi_cell(width, leading, text, align=align, new_x="LEFT", new_y="NEXT")

    def head(self, name: str) -> None:
        """Draw the head of a page: moons, the studio's name, a double rule."""
        middle = self.w / 2
        for place, turn in enumerate(PHASES):
            away = place - len(PHASES) // 2
            self.moon(middle + 8 * away, TOP + 2, 2.6 - 0.3 * abs(away), turn)
        self.set_y(TOP + 8)
        self.type(15)
        self.set_char_spacing(3)
        self.cell(0, 8, name.upper(), align="C", new_x="LMARGIN", new_y="NEXT")
        self.set_char_spacing(0)
        for below, width in ((2.4, 0.7), (3.6, 0.2)):
            self.rule(self.get_y() + below, width, INK)
        self.set_y(self.get_y() + 12)

    def rule(self, y: float, width: float = 0.2, colour: str = LINE) -> None:
        """Draw a line over the width of the text."""
        self.set_draw_color(colour)
        self.set_line_width(width)
        self.line(self.l_margin, y, self.w - self.r_margin, y)

    def moon(self, x: float, y: float, radius: float, turn: float) -> None:
        """Draw the Moon; `turn`: 0 new, 0.25 first quarter, 0.5 full."""
        outline = [(x + radius * a, y + radius * b) for a, b in lit(turn)]
        with self.local_context(fill_color=SHADE):
            self.circle(x, y, radius, style="F")
        with self.local_context(fill_color=MOON):
            self.polygon(outline, style="F")


def _legible(text: str) -> Iterator[str]:
    for character in text:
        kind = unicodedata.category(character)[0]
        if character == "\n" or (character in legible() and kind != "C"):
            yield character
        elif kind not in "CM":
            yield STAND_IN


def lit(turn: float) -> list[tuple[float, float]]:
    """Give the outline of the lit part of a Moon of radius 1: limb and terminator."""
    side = 1 if turn < 0.5 else -1
    bulge = cos(2 * pi * turn)
    angles = [pi * step / 24 - pi / 2 for step in range(25)]
    limb = [(side * cos(angle), sin(angle)) for angle in angles]
    terminator = [(side * bulge * cos(angle), sin(angle)) for angle in angles]
    return limb + terminator[::-1]
