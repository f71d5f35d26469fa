"""What the main pages of the demo's studio look like, on any screen, day and night."""

from itertools import product

import pytest
from playwright.sync_api import Page

from storefront.catalog.loader import DEMO, load_catalog
from storefront.transaction import transaction
from tests.browser.pictures import assert_same_picture, refuse_other_letters
from tests.fixtures.shop import READING, Shop

pytestmark = [pytest.mark.browser, pytest.mark.snapshot]

SCREENS = {"phone": (390, 844), "desk": (1280, 800)}
ADDRESSES = {
    "home": "/",
    "product": f"/products/{READING}",
    "details": f"/checkout?service_id={READING}",
}


@pytest.fixture
def studio(page: Page, shop: Shop) -> Shop:
    """Give a shop that sells what the demo's studio does, seen where that compares."""
    refuse_other_letters(page)
    with shop.app.app_context(), transaction():
        load_catalog(DEMO, "EUR")
    return shop


@pytest.mark.parametrize("name", [*ADDRESSES, "order"])
def test_a_page_looks_as_before(studio: Shop, page: Page, name: str) -> None:
    page.goto(studio.url + (ADDRESSES.get(name) or paid_order(studio)))

    for (screen, (width, height)), light in product(SCREENS.items(), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]
        assert_same_picture(page, f"{name}-{screen}-{light}")


def paid_order(shop: Shop) -> str:
    """Pay an order; give the address of its page."""
    placed = shop.place()
    shop.pay(placed)
    return f"/orders/{placed.token}"
