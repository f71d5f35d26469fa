"""The keyboard alone: every stop can be seen, and nothing is a trap."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.shop import CUSTOMER, READING, Shop

pytestmark = pytest.mark.browser

# Where the focus is: its name, whether a ring shows it, and whether it lies open.
FOCUS = """() => {
  const it = document.activeElement;
  // Between the last stop and the first, and while a page arrives.
  if (it === document.body) return null;
  const rings = [it, "::after", it.closest("label")].filter(Boolean).map((one) =>
    one === "::after" ? getComputedStyle(it, one) : getComputedStyle(one));
  const box = it.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    name: (it.labels?.[0] ?? it).textContent.replace(/\\s+/g, " ").trim(),
    ringed: rings.some((one) =>
      one.outlineStyle !== "none" && parseFloat(one.outlineWidth) >= 2),
    open: it.contains(top) || Boolean(top?.contains(it) || top?.closest("label")),
  };
}"""


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Press Tab until what is called so has the focus; each stop must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None:
            continue
        assert focus["ringed"], focus
        assert focus["open"], focus
        if re.search(name, focus["name"]):
            return
    pytest.fail(f"{name} was not reached.")


@pytest.mark.parametrize(
    ("scripts", "width"), [("page", 320), ("page_without_scripts", 1280)]
)
def test_the_keyboard_is_enough_to_get_to_the_payment_page(
    shop: Shop, scripts: str, width: int, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(reduced_motion="reduce")
    page.goto(shop.url)
    tab_to(page, "^Birth chart reading$")
    page.keyboard.press("Enter")
    page.wait_for_url("**/products/**")

    tab_to(page, "^Checkout – ")
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail")).to_be_visible()
    if not page.locator("#email:focus").count():
        tab_to(page, "^E-mail")
    page.keyboard.type(CUSTOMER["email"])
    tab_to(page, "^Name")
    page.keyboard.type(CUSTOMER["name"])
    tab_to(page, "^Continue to payment")
    page.keyboard.press("Space")

    page.wait_for_url(f"{shop.emulator.url}/**")


def test_whoever_wants_the_content_skips_the_rest(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    assert page.evaluate(FOCUS)["open"]
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)


def test_the_bar_with_the_price_covers_nothing_that_has_the_focus(
    shop: Shop, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 500})
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{shop.url}/products/{READING}")
    page.mouse.wheel(0, 10_000)
    expect(page.locator("[data-bar]")).to_be_visible()

    for _ in range(30):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus is None or focus["open"], focus
