"""Looks: what is read of a theme's folder, and which picture a product is given."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storefront import themes
from storefront.catalog.models import ProductKind
from storefront.themes import list_themes, read_theme
from storefront.web.pictures import picture_of

TOKENS = """
:root {
  --paper: light-dark(#ffffff, #000000); /* behind everything */
  --art-line: light-dark( #111111 , #eeeeee );
  --gap: 1rem;
}
"""


@dataclass
class Thing:
    """What is known of a product that a picture is looked for."""

    id: str
    kind: ProductKind
    shipping_countries: list[str] = field(default_factory=list)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with one look in it, and something that is none."""
    pictures = tmp_path / "plain" / "pictures"
    pictures.mkdir(parents=True)
    (tmp_path / "no-look").mkdir()
    (tmp_path / "plain" / "tokens.css").write_text(TOKENS)
    for name in ("session", "almanac", "almanac-printed", "one-question"):
        drawn = '<svg><path stroke="var(--art-line)"/></svg>'
        (pictures / f"{name}.svg").write_text(drawn)
    monkeypatch.setattr(themes, "FOLDER", tmp_path)
    return tmp_path


def test_a_look_is_a_folder_with_tokens(folder: Path) -> None:
    assert list_themes() == ["plain"]


def test_colours_are_read_by_day_and_by_night(folder: Path) -> None:
    theme = read_theme("plain")
    assert theme.day == {"paper": "#ffffff", "art-line": "#111111"}
    assert theme.night == {"paper": "#000000", "art-line": "#eeeeee"}


def test_a_painted_picture_stands_by_itself(folder: Path) -> None:
    drawn = '<svg><path stroke="var(--art-line)" fill="var(--unknown)"/></svg>'
    assert read_theme("plain").painted(drawn) == (
        '<svg><path stroke="#111111" fill="var(--unknown)"/></svg>'
    )


def test_a_product_has_its_own_picture_or_that_of_its_kind(folder: Path) -> None:
    theme = read_theme("plain")
    own = Thing("one-question", ProductKind.SESSION)
    other = Thing("tarot", ProductKind.SESSION)
    book = Thing("almanac-2027-printed", ProductKind.ALMANAC, ["PT"])
    leaf = Thing("almanac-2027", ProductKind.ALMANAC)
    assert picture_of(theme, own) == "one-question"
    assert picture_of(theme, other) == "session"
    assert picture_of(theme, book) == "almanac-printed"
    assert picture_of(theme, leaf) == "almanac"
