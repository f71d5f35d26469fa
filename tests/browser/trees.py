"""Accessibility trees of pages, kept in files to compare with."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).with_name("trees")
# What is another each time, and what stands for it.
CHANGING = (
    (r"http://127\.0\.0\.1:\d+", ""),
    (r"/assets/[0-9a-f]{12}/", "/assets/HASH/"),
    (r"/orders/[\w-]{43}", "/orders/TOKEN"),
    (r"(\b|(?<=%20))[2-9A-HJ-NP-Z]{7}\b", "NUMBER"),
    (r"\b[0-9a-f]{16}\b", "REQUEST"),
    (r"\b\d{1,2} \w+ 20\d\d, \d\d:\d\d", "MOMENT"),
    (r"\bby \d{1,2} \w+ 20\d\d\b", "by DAY"),
    (r'img "Tonight: [^"]+"', 'img "MOON"'),
    (r"\bin \d+ seconds?\b", "in SECONDS"),
    (r"\bTonight: .+ lit\b", "Tonight: MOON"),
)


def assert_same_tree(page: Page, name: str) -> None:
    """Compare with the tree of that name; RENEW=1 keeps this one from now on."""
    file = FOLDER / f"{re.sub('[^a-z]+', '-', name)}.yml"
    found = page.locator("html").aria_snapshot() + "\n"
    for pattern, word in CHANGING:
        found = re.sub(pattern, word, found, flags=re.M)
    if os.environ.get("RENEW"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(found, "utf-8")
    assert file.exists(), f"No {file.name}: `make snapshots` writes it."
    kept = file.read_text("utf-8")
    assert found == kept, f"{file.name} differs; if it is meant to: `make snapshots`."
