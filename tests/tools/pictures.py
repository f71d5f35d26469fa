"""Make of each theme's drawings what browsers fetch: one file of pictures, and icons.

A picture is a file of its own in `pictures/`, to be drawn with any program; `mark.svg`
is the mark in a circle, `icon.svg` the same on a full square, for home screens.
"""

import re
from pathlib import Path
from struct import pack

from resvg_py import svg_to_bytes
from scour import scour

from storefront.themes import FOLDER, list_themes

# Files of 180 are asked for by Apple, 192 and 512 by the manifest.
ICON_SIZES = (180, 192, 512)
FAVICON_SIZE = 32
OPTIONS = scour.parse_args(
    [
        "--quiet",
        "--set-precision=4",
        "--strip-xml-prolog",
        "--enable-id-stripping",
        "--remove-descriptive-elements",
        "--indent=none",
        "--no-line-breaks",
    ]
)


def symbol(picture: Path) -> str:
    """Give a drawing as a symbol with the name of its file."""
    small = scour.scourString(picture.read_text("utf-8"), OPTIONS).strip()
    inside = re.fullmatch(r'<svg viewBox="([\d. ]+)"[^>]*>(.*)</svg>', small, re.S)
    if not inside:
        raise SystemExit(f"{picture} must begin with <svg viewBox=…>.")
    box, drawn = inside.groups()
    return f'<symbol id="{picture.stem}" viewBox="{box}">{drawn}</symbol>'


def sprite(theme: str) -> str:
    """Give all pictures of a theme as one file, to be fetched once."""
    symbols = map(symbol, sorted((FOLDER / theme / "pictures").glob("*.svg")))
    drawn = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{drawn}\n</svg>\n'


def png(drawing: Path, size: int) -> bytes:
    """Give a drawing as PNG."""
    return svg_to_bytes(svg_path=str(drawing), width=size, height=size)


def ico(image: bytes, size: int) -> bytes:
    """Wrap a PNG as an icon file with this one image in it."""
    header = pack("<HHH", 0, 1, 1)
    entry = pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(image), 22)
    return header + entry + image


def main() -> None:
    """Write what each theme's drawings make."""
    for theme in list_themes():
        folder = FOLDER / theme
        (folder / "pictures.svg").write_text(sprite(theme), "utf-8")
        for size in ICON_SIZES:
            icon = png(folder / "icon.svg", size)
            (folder / f"icon-{size}.png").write_bytes(icon)
        mark = ico(png(folder / "mark.svg", FAVICON_SIZE), FAVICON_SIZE)
        (folder / "favicon.ico").write_bytes(mark)


if __name__ == "__main__":
    main()
