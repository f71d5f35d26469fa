"""What happens when paying does not go straight."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.customer import (
    DECLINED_CARD,
    expect_paid,
    fill_in_details,
    number_on,
    pay,
)
from tests.fixtures.shop import READING, Shop

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_a_declined_card_is_followed_by_a_good_one(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    fill_in_details(page, shop, READING)
    pay(page, DECLINED_CARD)
    expect(page.get_by_role("alert").first).to_contain_text(
        re.compile("declined", re.I)
    )

    pay(page)
    expect_paid(page, shop)


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_a_customer_who_went_back_pays_later(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    fill_in_details(page, shop, READING)
    page.get_by_role("link", name="Back without paying").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("did not finish", re.I)
    )
    number = number_on(page)

    page.get_by_role("button", name=re.compile("pay now", re.I)).click()
    page.wait_for_url(f"{shop.emulator.url}/**")
    pay(page)
    expect_paid(page, shop)
    assert number_on(page) == number
    assert shop.row("SELECT count(*) AS n FROM checkout_attempts")["n"] == 1


@pytest.mark.parametrize("scripts", ["page", "page_without_scripts"])
def test_an_abandoned_order_expires_and_can_be_paid_all_the_same(
    shop: Shop, scripts: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(scripts)
    fill_in_details(page, shop, READING)
    order = shop.row("SELECT id, page_token FROM orders")
    shop.let_deadline_pass(order["id"])
    shop.run_job("expire-orders")
    page.goto(f"{shop.url}/orders/{order['page_token']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("canceled|expired|not paid|did not finish|closed", re.I)
    )

    page.get_by_role("button", name=re.compile("pay now", re.I)).click()
    page.wait_for_url(f"{shop.emulator.url}/**")
    pay(page)
    expect_paid(page, shop)
    assert shop.history(order["id"]) == ["created", "canceled", "created", "paid"]


def test_while_stripe_is_away_the_form_keeps_what_was_typed(
    shop: Shop, page: Page
) -> None:
    shop.emulator.fail(503)
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_label("Name").fill("Ana Lima")
    page.get_by_role("button", name=re.compile("continue", re.I)).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was charged")
    expect(page.get_by_label("E-mail")).to_have_value("ana@example.com")

    shop.emulator.set_faults()
    page.get_by_role("button", name=re.compile("continue", re.I)).click()
    page.wait_for_url(f"{shop.emulator.url}/**")
    assert shop.row("SELECT count(*) AS n FROM orders")["n"] == 1


def test_an_impatient_double_click_makes_one_order(shop: Shop, page: Page) -> None:
    shop.emulator.be_slow(400)
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_label("Name").fill("Ana Lima")
    page.get_by_role("button", name=re.compile("continue", re.I)).dblclick()
    page.wait_for_url(f"{shop.emulator.url}/**")
    assert shop.row("SELECT count(*) AS n FROM orders")["n"] == 1


def test_mistakes_are_named_beside_their_fields(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    page.get_by_label("E-mail").fill("ana@")
    page.get_by_role("button", name=re.compile("continue", re.I)).click()

    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_label("E-mail")).to_have_value("ana@")
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert").get_by_role("link")).to_have_count(2)
