"""Changing one's mind: two buttons, with scripts and without, and what comes of it."""

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.shop import CUSTOMER, Shop

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_a_customer_withdraws_and_has_it_in_writing(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    placed = shop.place()
    shop.pay(placed)
    page.goto(f"{shop.url}/orders/{placed.token}")

    page.get_by_role("link", name="Withdraw from contract here").click()
    expect(page.get_by_label("Name")).to_have_value(CUSTOMER["name"])
    expect(page.get_by_label("E-mail")).to_have_value(CUSTOMER["email"])
    page.get_by_label("Name").fill("")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your name")
    page.get_by_label("Name").fill("Ana de Lima")
    page.get_by_role("button", name="Continue").click()

    expect(page.locator("main")).to_contain_text("Ana de Lima")
    page.get_by_role("button", name="Change something").click()
    expect(page.get_by_label("Name")).to_have_value("Ana de Lima")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Confirm withdrawal").click()

    expect(page.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    page.get_by_role("link", name="Back to the order").click()
    expect(page.get_by_text("You sent your statement on")).to_be_visible()
    expect(page.get_by_role("link", name="Withdraw from contract here")).to_have_count(
        0
    )

    # A matter's letter is written by one run, and sent by the next.
    for _ in ("written", "sent"):
        shop.run_job("send-mail")
    subjects = [letter.subject for letter in shop.mailbox.letters]
    assert any(one.startswith("We have your withdrawal") for one in subjects)
    assert any("A customer has withdrawn" in one for one in subjects)
    assert shop.check() == []


def test_a_download_by_hand_ends_the_right_that_was_given_up(
    shop: Shop, page: Page
) -> None:
    page.goto(f"{shop.url}/checkout?service_id=almanac-2027-digital")
    page.get_by_label("E-mail").fill(CUSTOMER["email"])
    page.get_by_label("Name").fill(CUSTOMER["name"])
    page.get_by_role("checkbox").check()
    page.locator("#details [type=submit]").click()
    page.wait_for_url(f"{shop.emulator.url}/**")
    order = shop.row("SELECT * FROM orders")
    shop.emulator.pay(order["provider_session_id"])
    shop.emulator.wait()
    page.goto(f"{shop.url}/orders/{order['page_token']}")
    expect(page.get_by_text("ends when you begin it")).to_be_visible()

    with page.expect_download():
        page.locator(".downloads a").click()

    page.reload()
    expect(page.get_by_text("the right to withdraw from it ended")).to_be_visible()
    expect(page.get_by_role("link", name="Withdraw from contract here")).to_have_count(
        0
    )
