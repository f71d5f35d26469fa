"""The type of what is printed: an everyday part, and the whole for rarer letters.

Reading faces of three thousand glyphs and leaving out what a document does not use is
most of the work of making it. The everyday part is cut once a process.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import TTFFont

FACES = {"": "EBGaramond[wght].ttf", "I": "EBGaramond-Italic[wght].ttf"}
STAND_IN = "□"
# Latin of nearly all of Europe, punctuation, signs of money, the minus.
USUAL = (*range(0x20, 0x180), *range(0x2010, 0x2040), *range(0x20A0, 0x20C0), 0x2212)
# What print needs no more: other weights, kerning, substitutions.
UNUSED_TABLES = {"GDEF", "GPOS", "GSUB", "HVAR", "MVAR", "STAT", "avar", "fvar", "gvar"}


class LetterMissing(Exception):
    """The everyday part lacks a letter that the whole type has."""


@dataclass(frozen=True)
class Typeface:
    """The whole type or its everyday part."""

    whole: bool

    def add_to(self, document: FPDF, family: str) -> None:
        """Set a document in it."""
        for style in FACES:
            source = _path(style) if self.whole else BytesIO(_everyday(style))
            _add(document, f"{family.lower()}{style}", style, source)

    def expect(self, written: str) -> None:
        """Raise `LetterMissing` where another typeface is needed for these letters."""
        if not self.whole and not _usual().issuperset(written):
            raise LetterMissing(written)


EVERYDAY, WHOLE = Typeface(whole=False), Typeface(whole=True)


def close(document: FPDF) -> None:
    """Close the files of a document's faces."""
    for face in document.fonts.values():
        if isinstance(face, TTFFont):
            face.ttfont.close()


@cache
def legible() -> frozenset[str]:
    """Give the characters that all faces of the whole type have."""
    known = []
    for style in FACES:
        with TTFont(_path(style), lazy=True) as face:
            known.append(frozenset(map(chr, face.getBestCmap())))
    return frozenset.intersection(*known)


@cache
def _usual() -> frozenset[str]:
    return legible() & {*map(chr, USUAL), STAND_IN} | {"\n"}


def _add(document: FPDF, key: str, style: str, source: BytesIO | Path) -> None:
    # `add_font` takes a path only; what it makes of it takes a file in memory too.
    face = TTFFont(document, source, key, style)  # type: ignore[arg-type]
    for table in UNUSED_TABLES & set(face.ttfont.keys()):
        del face.ttfont[table]
    # The boxes of the whole type hold for a part of it.
    face.ttfont.recalcBBoxes = False
    document.fonts[key] = face


def _path(style: str) -> Path:
    return Path(str(files("fontpkg_eb_garamond") / "files" / FACES[style]))


@cache
def _everyday(style: str) -> bytes:
    cutter = Subsetter(Options(drop_tables=sorted(UNUSED_TABLES), notdef_outline=True))
    cutter.populate(unicodes=[*USUAL, ord(STAND_IN)])
    with TTFont(_path(style), lazy=True) as face:
        cutter.subset(face)
        file = BytesIO()
        face.save(file)
    return file.getvalue()
