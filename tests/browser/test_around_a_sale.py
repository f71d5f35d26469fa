"""The pages around a sale: of use to people, to machines, and without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.browser import Window
from tests.fixtures.shop import CUSTOMER, READING, Shop

pytestmark = pytest.mark.browser

FILE = "almanac-2027-digital"


def test_data_for_machines_is_let_through_and_not_run(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/products/{READING}")

    block = page.locator('script[type="application/ld+json"]')
    assert '"@type": "Product"' in (block.text_content() or "")


def test_questions_open_without_scripts(shop: Shop, page_without_scripts: Page) -> None:
    page = page_without_scripts
    page.goto(f"{shop.url}/faq")
    page.get_by_text("Do I need an account?").click()

    expect(
        page.get_by_text("The link in your receipt opens your order")
    ).to_be_visible()


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_somebody_who_lost_the_link_gets_it_by_mail(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    placed = shop.place()
    page.goto(f"{shop.url}/find-my-order")
    page.get_by_label("E-mail").fill("ana")
    page.get_by_role("button", name="Send me the links").click()
    expect(page.get_by_text("Enter an e-mail address")).to_be_visible()

    page.get_by_label("E-mail").fill(CUSTOMER["email"])
    page.get_by_role("button", name="Send me the links").click()
    expect(page.get_by_text("a letter with the links is on its way")).to_be_visible()

    shop.run_job("send-mail")
    (letter,) = shop.mailbox.letters
    page.goto(re.findall(r"http://\S+", letter.text or "")[0])
    expect(page.locator(".number strong")).to_have_text(placed.answer["number"])


def test_without_a_line_the_search_says_so_and_can_be_sent_again(
    shop: Shop, page: Page, window: Window
) -> None:
    page.goto(f"{shop.url}/find-my-order")
    page.get_by_label("E-mail").fill(CUSTOMER["email"])
    page.route("**/find-my-order", lambda route: route.abort())
    page.get_by_role("button", name="Send me the links").click()
    expect(page.locator("#trouble")).to_be_visible()

    page.unroute_all()
    page.get_by_role("button", name="Send me the links").click()
    expect(page.get_by_text("a letter with the links is on its way")).to_be_visible()
    expect(page.locator("#trouble")).to_be_hidden()
    # This once the console has a reason to complain.
    noises = window[1]
    assert any("ERR_FAILED" in noise for noise in noises)
    noises.clear()


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_a_receipt_that_was_missed_comes_again(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    placed = shop.place()
    shop.pay(placed)
    page.goto(f"{shop.url}/orders/{placed.token}")
    expect(page.get_by_text("The receipt goes to a…@example.com")).to_be_visible()

    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("Sent again.")).to_be_focused()

    shop.run_job("send-mail")
    subjects = [letter.subject for letter in shop.mailbox.letters]
    assert sum(subject.startswith("Receipt (copy)") for subject in subjects) == 1
    for _ in range(3):
        page.get_by_role("button", name="Send it again").click()
        expect(page.locator("#resend [tabindex]")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("three times within the hour")


def test_a_download_is_not_sold_before_the_box_is_ticked(
    shop: Shop, page_without_scripts: Page
) -> None:
    page = page_without_scripts
    page.goto(f"{shop.url}/checkout?service_id={FILE}")
    page.get_by_label("E-mail").fill(CUSTOMER["email"])
    page.get_by_label("Name").fill(CUSTOMER["name"])
    page.get_by_role("button", name=re.compile("continue to payment", re.I)).click()
    expect(page.get_by_role("alert")).to_contain_text("Please tick this")

    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=re.compile("continue to payment", re.I)).click()
    page.wait_for_url(f"{shop.emulator.url}/**")
