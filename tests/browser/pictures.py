"""Pictures of pages, kept in files to compare with, on machines with the same letters.

Fonts and browsers draw letters in their own ways. What a sample of ours looks like is
kept beside the pictures: where it looks different, nothing can be compared.
"""

import hashlib
import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page

FOLDER = Path(__file__).with_name("pictures")
LETTERS = FOLDER / "letters.txt"
# Small files: the upper part of a long page, in few colours. How far that may take a
# point from its own.
HEIGHT, COLOURS, FADING = 2400, 64, 24
# How much of a page may differ: less than a word.
TOLERATED = 0.0002
SAMPLE = """
<meta charset="utf-8"><style>p { font: 16px/1.6 var(--f) }</style>
<p style="--f: 'Iowan Old Style', Palatino, Georgia, serif">Áçñ 0123456789 €60.00 ½</p>
<p style="--f: system-ui, sans-serif"><b>Áçñ</b> 0123456789 €60.00 – “Moon”</p>
"""
# What is another each time: moments, numbers, and the moon of tonight.
FREEZE = """() => {
  const say = (selector, words) => {
    for (const one of document.querySelectorAll(selector)) one.textContent = words;
  };
  say("time", "1 January 2027, 12:00 (UTC)");
  say(".number strong", "ABC2345");
}"""
MOON = ".masthead .brand :is(img, svg)"


def refuse_other_letters(page: Page) -> None:
    """Skip where letters are drawn otherwise than they were for the kept pictures."""
    page.goto("about:blank")
    page.set_content(SAMPLE)
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    found = hashlib.sha256(drawn.tobytes()).hexdigest()
    if os.environ.get("RENEW"):
        LETTERS.write_text(found + "\n", "utf-8")
    elif found != LETTERS.read_text("utf-8").strip():
        pytest.skip("Letters look different on this machine: no pictures to compare.")


def assert_same_picture(page: Page, name: str) -> None:
    """Compare with the picture of that name; RENEW=1 keeps this one from now on."""
    file = FOLDER / f"{name}.png"
    page.evaluate(FREEZE)
    shot = page.screenshot(
        full_page=True, mask=[page.locator(MOON)], mask_color="#888888"
    )
    whole = Image.open(BytesIO(shot)).convert("RGB")
    found = whole.crop((0, 0, whole.width, min(HEIGHT, whole.height)))
    if os.environ.get("RENEW"):
        few = found.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
        few.save(file, optimize=True)
    with Image.open(file) as kept:
        differing = _share_that_differs(found, kept.convert("RGB"))
    assert differing <= TOLERATED, (
        f"{file.name} differs; if it is meant to: `make snapshots`."
    )


def _share_that_differs(found: Image.Image, kept: Image.Image) -> float:
    if found.size != kept.size:
        return 1.0
    channels = ImageChops.difference(found, kept).split()
    largest = ImageChops.lighter(ImageChops.lighter(*channels[:2]), channels[2])
    # From how many points on the difference is larger than the fading of colours.
    counts = largest.histogram()
    return sum(counts[FADING + 1 :]) / (found.width * found.height)
