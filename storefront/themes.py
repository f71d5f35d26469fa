"""The looks that the shop can have: each a folder with tokens, pictures and marks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "themes"
# What is told in Python as well: the browser's frame, the manifest, pictures as PNG.
COLOUR = re.compile(
    r"--([a-z-]+): *light-dark\( *(#[0-9a-f]{6}) *, *(#[0-9a-f]{6}) *\);"
)

TOKEN = re.compile(r"var\(--([a-z-]+)\)")


@dataclass(frozen=True, slots=True, eq=False)
class Theme:
    """One look: its colours by day and by night, and what it has pictures of."""

    name: str
    day: Mapping[str, str]
    night: Mapping[str, str]
    pictures: Mapping[str, Path]

    def picture_for(self, *names: str) -> str:
        """Give the first of these names that there is a picture of, or the last."""
        return next((name for name in names if name in self.pictures), names[-1])

    def painted(self, drawing: str) -> str:
        """Give a drawing as SVG that stands by itself, in the colours of the day."""
        return TOKEN.sub(lambda one: self.day.get(one[1], one[0]), drawing)


def list_themes() -> list[str]:
    """List the looks that there are."""
    return sorted(path.parent.name for path in FOLDER.glob("*/tokens.css"))


def read_theme(name: str) -> Theme:
    """Read a look from its folder."""
    folder = FOLDER / name
    colours = COLOUR.findall((folder / "tokens.css").read_text("utf-8"))
    return Theme(
        name=name,
        day={token: day for token, day, _ in colours},
        night={token: night for token, _, night in colours},
        pictures={path.stem: path for path in (folder / "pictures").glob("*.svg")},
    )
