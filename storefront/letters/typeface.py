"""The type of what is printed: its faces, read once a process, and its lines."""

import unicodedata
from importlib.resources import files
from threading import Lock

from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont

UPRIGHT, ITALIC = "EB Garamond", "EB Garamond Italic"
FILES = {UPRIGHT: "EBGaramond[wght].ttf", ITALIC: "EBGaramond-Italic[wght].ttf"}
# Whoever makes a file of a document reads in the faces, and moves where others read.
reading_faces = Lock()


def _read_faces() -> frozenset[str]:
    """Make the faces known; give the characters that all of them can show."""
    known = []
    for name, file in FILES.items():
        path = files("fontpkg_eb_garamond") / "files" / file
        # Only the letters that a document uses are put into it.
        face = TTFont(name, str(path), asciiReadable=False)
        registerFont(face)
        known.append(frozenset(map(chr, face.face.charToGlyph)))
    common = frozenset.intersection(*known)
    return frozenset(one for one in common if unicodedata.category(one)[0] != "C")


# Here, where one thread alone comes by: a document begun with one reading of a face
# could not go on with another.
LEGIBLE = _read_faces()


def wrap(text: str, face: str, size: float, width: float) -> list[str]:
    """Break text into lines, at blanks, or within a word that no line can hold.

    A no-break space holds.

    :param size: in points.
    :param width: of a line, in points.
    """
    lines = []
    blank = stringWidth(" ", face, size)
    for paragraph in text.split("\n"):
        line, taken = "", 0.0
        for word in paragraph.split(" "):
            more = stringWidth(word, face, size)
            if line and taken + blank + more <= width:
                line, taken = f"{line} {word}", taken + blank + more
                continue
            if line:
                lines.append(line)
            line, taken = word, more
            if more > width:
                *broken, line = _break(word, face, size, width)
                lines += broken
                taken = stringWidth(line, face, size)
        lines.append(line)
    return lines


def _break(word: str, face: str, size: float, width: float) -> list[str]:
    """Cut a word into pieces, each as long as a line holds, one letter at least."""
    pieces = [""]
    for letter in word:
        longer = pieces[-1] + letter
        if pieces[-1] and stringWidth(longer, face, size) > width:
            pieces.append(letter)
        else:
            pieces[-1] = longer
    return pieces
