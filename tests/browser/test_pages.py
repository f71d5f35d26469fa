"""Every page in each of its states: for everybody, on any screen, in any light.

`make test` walks a sample in which each page and each combination of width, light and
language occurs; PAGES=all walks all of them.
"""

import os
from itertools import cycle, product
from pathlib import Path

import pytest

from tests.browser.sights import READ_ALOUD, SIGHTS, Visitor
from tests.browser.trees import assert_same_tree
from tests.fixtures.browser import assert_accessible
from tests.fixtures.gallery import LANGUAGES, Gallery

pytestmark = pytest.mark.browser

# 320 px is also what a screen of 1280 px shows at 400 %.
WIDTHS = (320, 390, 1280)
LIGHTS = ("light", "dark")
WAYS = list(product(WIDTHS, LIGHTS, LANGUAGES))
FAULTS = Path(__file__).with_name("faults.js").read_text("utf-8")

Way = tuple[int, str, str]


def walks() -> list[tuple[str, Way]]:
    """Give each page with the ways to look at it."""
    if os.environ.get("PAGES") == "all":
        return list(product(SIGHTS, WAYS))
    # A step that has nothing in common with their number reaches all of the ways.
    steps = cycle(WAYS[(place * 7) % len(WAYS)] for place in range(len(WAYS)))
    return list(zip(SIGHTS, steps, strict=False))


@pytest.mark.long
@pytest.mark.parametrize(("name", "way"), walks(), ids=str)
def test_a_page_is_for_everybody(gallery: Gallery, name: str, way: Way) -> None:
    width, light, language = way
    page, sight = gallery.page, SIGHTS[name]
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]
    gallery.noises.clear()

    assert sight.show(Visitor(gallery, language)) == sight.status

    assert page.evaluate(FAULTS, language) == []
    assert_accessible(page)
    assert gallery.noises == []
    where = name.partition(":")[0]
    assert gallery.titles.setdefault((language, page.title()), where) == where


@pytest.mark.snapshot
@pytest.mark.parametrize("name", READ_ALOUD)
def test_a_page_reads_as_before(gallery: Gallery, name: str) -> None:
    """Compare what screen readers are told, in its order, with the tree kept of it."""
    page = gallery.page
    page.set_viewport_size({"width": 390, "height": 844})

    SIGHTS[name].show(Visitor(gallery))

    assert_same_tree(page, name)
