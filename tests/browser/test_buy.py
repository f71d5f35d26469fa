"""Buying each kind of thing, to "paid" and its receipt."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.customer import expect_paid, fill_in_details, pay
from tests.fixtures.shop import Shop

pytestmark = pytest.mark.browser

KINDS = ["birth-chart-reading", "three-readings", "almanac-2027-digital"]


@pytest.mark.parametrize("product", KINDS)
def test_a_customer_buys_and_sees_it_paid(shop: Shop, page: Page, product: str) -> None:
    fill_in_details(page, shop, product)
    pay(page)
    expect_paid(page, shop)


@pytest.mark.parametrize("product", KINDS)
def test_a_customer_without_scripts_buys_and_sees_it_paid(
    shop: Shop, page_without_scripts: Page, product: str
) -> None:
    fill_in_details(page_without_scripts, shop, product)
    pay(page_without_scripts)
    expect_paid(page_without_scripts, shop)


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_the_printed_almanac_is_sent_where_the_customer_lives(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    fill_in_details(page, shop, "almanac-2027-printed")
    page.get_by_label("Name", exact=True).fill("Ana Lima")
    page.get_by_label("Address", exact=True).fill("Rua do Poço 7")
    page.get_by_label("Postal code").fill("4000-001")
    page.get_by_label("City").fill("Porto")
    page.get_by_label("Country").select_option("PT")
    pay(page)
    expect_paid(page, shop)
    expect(page.get_by_text("Rua do Poço 7")).to_be_visible()


def test_two_of_something_cost_twice_as_much(shop: Shop, page: Page) -> None:
    fill_in_details(page, shop, "birth-chart-reading", quantity=2)
    expect(page.get_by_role("button", name=re.compile("160"))).to_be_visible()


def test_the_almanac_is_downloaded_from_the_paid_page(shop: Shop, page: Page) -> None:
    fill_in_details(page, shop, "almanac-2027-digital")
    pay(page)
    expect_paid(page, shop)

    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("download", re.I)).click()

    assert waiting.value.suggested_filename == "almanac.pdf"
    assert waiting.value.path().read_bytes().startswith(b"%PDF")


def test_the_page_turns_to_paid_while_somebody_looks(shop: Shop, page: Page) -> None:
    """The webhook comes late: nothing is called paid before, all is right after."""
    shop.emulator.hold_webhooks()
    placed = shop.place()
    # Stripe does not answer the page's own question either.
    shop.emulator.set_faults(
        {"where": "webhooks", "do": "hold", "type": "*"},
        {"where": "api", "do": "answer", "status": 503},
    )
    shop.emulator.pay(placed.session_id)
    page.goto(f"{shop.url}/orders/{placed.token}?from=payment")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("confirming", re.I))

    shop.emulator.release_webhooks()

    expect(heading).to_have_text(re.compile("received|paid", re.I), timeout=8_000)
    expect(page.get_by_role("status")).to_have_text(re.compile("received|paid", re.I))
    expect(page).to_have_title(re.compile("received|paid", re.I))
    asked = len(shop.emulator.ledger()["sessions"])
    page.wait_for_timeout(2_500)
    assert page.locator("[hx-trigger]").count() == 0
    assert asked == 1
