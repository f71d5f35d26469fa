"""Pictures that messengers show beside a link to a page: 1200 by 630, as PNG."""

from hashlib import sha256
from importlib.resources import files
from textwrap import wrap

import resvg_py
from flask import render_template

from storefront.themes import Theme

WIDTH, HEIGHT = 1200, 630
FONT = files("fontpkg_eb_garamond") / "files" / "EBGaramond[wght].ttf"
# Of the column beside the picture; a letter of this face is half as wide as high.
COLUMN = 520
LETTER = 0.47
LARGEST = 104
LETTERS_A_LINE = 15
MOST_LINES = 4


def compose_card(theme: Theme, picture: str, title: str, year: str, studio: str) -> str:
    """Set a picture of the theme with a title and the studio's name beside it, as SVG.

    :param year: of an edition, for its cover; empty where there is none.
    """
    lines = _lines(title)
    widest = max(map(len, lines))
    size = min(LARGEST, int(COLUMN / LETTER / widest))
    leading = round(size * 1.08)
    top = (HEIGHT - leading * len(lines) - 110) // 2 - size // 5
    composed = render_template(
        "catalog/card.svg",
        picture=picture,
        year=year,
        lines=lines,
        size=size,
        leading=leading,
        top=top,
        rule=top + leading * len(lines) + 52,
        studio=studio,
    )
    return theme.painted(composed)


def name_card(composed: str) -> str:
    """Name a card by all that decides how it looks."""
    return sha256(f"{resvg_py.__version__} {composed}".encode()).hexdigest()


def draw_card(composed: str) -> bytes:
    """Draw a card as PNG. Nothing else in the process runs for these 60 ms."""
    return resvg_py.svg_to_bytes(
        svg_string=composed,
        width=WIDTH,
        skip_system_fonts=True,
        font_files=[str(FONT)],
    )


def _lines(title: str) -> list[str]:
    """Break a title into lines that are alike in length."""
    tightest = wrap(title, LETTERS_A_LINE)
    for width in range(LETTERS_A_LINE - 1, max(map(len, title.split())) - 1, -1):
        tighter = wrap(title, width)
        if len(tighter) == len(tightest):
            tightest = tighter
    return tightest[:MOST_LINES]
