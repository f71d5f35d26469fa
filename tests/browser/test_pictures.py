"""What the main pages of the demo's studio look like, on any screen, day and night."""

from collections.abc import Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, Page

from storefront.catalog.loader import DEMO, load_catalog
from storefront.transaction import transaction
from tests.browser.pictures import assert_same_picture, refuse_other_letters
from tests.fixtures.browser import listening
from tests.fixtures.shop import READING, Shop

pytestmark = [pytest.mark.browser, pytest.mark.snapshot]

SCREENS = {"phone": (390, 844), "desk": (1280, 800)}
ADDRESSES = {
    "home": "/",
    "product": f"/products/{READING}",
    "details": f"/checkout?service_id={READING}",
}


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    """Give a page on a machine where the kept pictures can be compared."""
    with listening(chromium, reduced_motion="reduce") as (page, _):
        refuse_other_letters(page)
        yield page


@pytest.fixture
def studio(window: Page, shop: Shop) -> Shop:
    """Give a shop that sells what the demo's studio does."""
    with shop.app.app_context(), transaction():
        load_catalog(DEMO, "EUR")
    return shop


@pytest.mark.parametrize("name", [*ADDRESSES, "order"])
def test_a_page_looks_as_before(studio: Shop, window: Page, name: str) -> None:
    window.goto(studio.url + (ADDRESSES.get(name) or paid_order(studio)))

    for (screen, (width, height)), light in product(SCREENS.items(), ("light", "dark")):
        window.set_viewport_size({"width": width, "height": height})
        window.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        assert_same_picture(window, f"{name}-{screen}-{light}")


def paid_order(shop: Shop) -> str:
    """Pay an order; give the address of its page."""
    placed = shop.place()
    shop.pay(placed)
    return f"/orders/{placed.token}"
