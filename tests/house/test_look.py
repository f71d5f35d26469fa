"""The look: colours in one place, pictures built and light, words readable."""

import gzip
import re
import tomllib
from pathlib import Path
from struct import unpack

import pytest

from storefront.catalog.loader import DEMO, CatalogFile
from storefront.themes import Theme, list_themes, read_theme
from tests.house.tree import ROOT
from tests.tools import pictures

STATIC = ROOT / "storefront" / "static"
TEMPLATES = ROOT / "storefront" / "templates"
THEMES = [read_theme(name) for name in list_themes()]
RAW_COLOUR = re.compile(r"(?<![&\w/])#[0-9a-fA-F]{3,8}\b(?!-)|\b(?:rgb|hsl|oklch)a?\(")
KINDS = ("session", "pack", "almanac", "almanac-printed", "studio")
# A first visit may weigh 60 kB; words, styles and scripts need the rest.
LARGEST_SPRITE = 15_000


def each_theme() -> pytest.MarkDecorator:
    """Run a test for each theme."""
    return pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)


# Colours


def test_no_colour_is_decided_outside_of_the_tokens() -> None:
    # Letters are read where no style sheet goes along: their frame holds its own.
    styles = [*(STATIC / "css").rglob("*.css"), *(STATIC / "js").rglob("*.js")]
    pages = [
        path
        for path in TEMPLATES.rglob("*.html")
        if "letters" not in path.relative_to(TEMPLATES).parts
        and path.name != "letter.html"
    ]
    raw = {
        path.relative_to(ROOT).as_posix(): found
        for path in [*styles, *pages]
        if (found := RAW_COLOUR.findall(path.read_text("utf-8")))
    }
    assert raw == {}


def test_pictures_in_pages_take_the_colours_of_the_theme() -> None:
    for path in STATIC.glob("themes/*/pictures.svg"):
        assert RAW_COLOUR.findall(path.read_text("utf-8")) == [], path


def tokens(path: Path, pattern: str) -> set[str]:
    """Give the names of tokens that a file speaks of in this way."""
    return set(re.findall(pattern, path.read_text("utf-8")))


def test_every_theme_decides_the_same_things() -> None:
    decided = {
        theme.name: tokens(
            STATIC / "themes" / theme.name / "tokens.css", r"(--[\w-]+):"
        )
        for theme in THEMES
    }
    assert len(decided) > 1
    assert all(one == decided["lunaria"] for one in decided.values())


def test_every_token_that_is_used_is_decided() -> None:
    decided = tokens(STATIC / "themes" / "lunaria" / "tokens.css", r"(--[\w-]+):")
    for path in [*(STATIC / "css").glob("*.css"), *STATIC.glob("themes/*/*.svg")]:
        used = tokens(path, r"var\((--[\w-]+)")
        assert used - decided - tokens(path, r"[{; ](--[\w-]+):") == set(), path


# Readable: WCAG 2.2, 1.4.3 and 1.4.11


def luminance(colour: str) -> float:
    """Give the relative luminance of #rrggbb."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "leaf", "wash")
PAIRS = [
    *((words, ground, 4.5) for words in ("ink", "soft", "rubric", "good", "link")
      for ground in GROUNDS),
    ("on-press", "press", 4.5),
    *((control, ground, 3.0) for control in ("edge", "focus", "press")
      for ground in ("paper", "leaf")),
    # The year on a cover, and what of a picture has to be made out.
    ("art-light", "art-dark", 4.5),
    ("art-line", "art-ground", 4.5),
    ("art-carve", "art-light", 4.5),
    ("art-line", "leaf", 4.5),
]  # fmt: skip


@each_theme()
@pytest.mark.parametrize("scheme", ["day", "night"])
def test_words_and_controls_can_be_read(theme: Theme, scheme: str) -> None:
    colours = getattr(theme, scheme)
    poor = {
        (one, other): round(contrast(colours[one], colours[other]), 2)
        for one, other, least in PAIRS
        if contrast(colours[one], colours[other]) < least
    }
    assert poor == {}


# Pictures


@each_theme()
def test_what_browsers_fetch_was_made_of_the_drawings(theme: Theme) -> None:
    built = (STATIC / "themes" / theme.name / "pictures.svg").read_text("utf-8")
    assert built == pictures.sprite(theme.name), "make pictures"


@each_theme()
def test_all_pictures_together_are_light(theme: Theme) -> None:
    built = (STATIC / "themes" / theme.name / "pictures.svg").read_bytes()
    assert len(gzip.compress(built)) <= LARGEST_SPRITE


@each_theme()
def test_every_kind_has_a_picture(theme: Theme) -> None:
    assert set(KINDS) <= set(theme.pictures)


def test_every_product_of_the_demo_has_a_picture_of_its_own() -> None:
    catalog = CatalogFile.model_validate(tomllib.loads(DEMO.read_text("utf-8")))
    lunaria = read_theme("lunaria")
    products = [one.id for one in catalog.products if one.kind.value != "almanac"]
    assert set(products) <= set(lunaria.pictures)


@each_theme()
def test_icons_have_the_size_of_their_name(theme: Theme) -> None:
    for size in pictures.ICON_SIZES:
        path = STATIC / "themes" / theme.name / f"icon-{size}.png"
        assert unpack(">II", path.read_bytes()[16:24]) == (size, size)
