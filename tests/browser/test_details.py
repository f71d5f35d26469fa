"""The details form: what it does while somebody fills it in, and without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.demo.processes import wait_until
from tests.fixtures.browser import Window
from tests.fixtures.gallery import DIGITAL, LANGUAGES, PACK, PRINTED
from tests.fixtures.shop import CUSTOMER, READING, Shop

pytestmark = pytest.mark.browser


def open_form(page: Page, shop: Shop, product: str = READING) -> None:
    """Press the product's Checkout button."""
    page.goto(f"{shop.url}/products/{product}")
    # It comes last; until then the button is a link to a page with the form.
    # (Playwright's own waiting evaluates a string in the page, which its rules refuse.)
    assert wait_until(lambda: page.evaluate("'htmx' in window"))
    page.locator("#buy .button").first.click()
    expect(page.get_by_label("E-mail")).to_be_visible()


def fill_in(page: Page, email: str = CUSTOMER["email"]) -> None:
    """Say who buys, and agree where that is asked."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name", exact=True).fill(CUSTOMER["name"])
    for box in page.get_by_role("checkbox").all():
        box.check()


def send(page: Page) -> None:
    """Press the form's button."""
    page.get_by_role("button", name=re.compile("^Continue to payment")).click()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("product", [READING, PACK, DIGITAL, PRINTED])
def test_price_button_and_picture_are_in_the_first_screen_of_a_phone(
    shop: Shop, page: Page, product: str, language: str
) -> None:
    prefix = "" if language == "en" else f"/{language}"
    page.goto(f"{shop.url}{prefix}/products/{product}")

    for part in (".plate", ".price", "#buy .button >> nth=0"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    # Which stands in for a button that is out of sight.
    expect(page.locator("[data-bar]")).to_be_hidden()
    expect(page.locator("#trust")).to_contain_text("Stripe")


def test_the_form_that_has_opened_is_in_sight_with_the_price(
    shop: Shop, page: Page
) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_form(page, shop)

    expect(page.locator("#email")).to_be_focused()
    for part in (".price", "#email", "#name", "#note", "#quantity"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    expect(page.locator("#buy")).to_be_hidden()


def test_on_a_desk_what_is_bought_stands_beside_the_form(
    shop: Shop, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{shop.url}/checkout?service_id={READING}")

    ticket = page.locator(".ticket").bounding_box()
    field = page.locator("#email").bounding_box()
    assert ticket
    assert field
    assert ticket["x"] + ticket["width"] < field["x"]
    expect(page.get_by_role("button", name=re.compile("^Continue"))).to_be_in_viewport()


def test_the_form_opens_in_the_page_of_its_product(shop: Shop, page: Page) -> None:
    open_form(page, shop)
    assert page.url == f"{shop.url}/products/{READING}"
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.locator("h1")).to_have_text("Birth chart reading")


def test_a_wrong_address_is_said_when_its_field_is_left(shop: Shop, page: Page) -> None:
    open_form(page, shop)
    email = page.get_by_label("E-mail")
    email.fill("ana@")
    email.blur()
    expect(page.locator("#email-says .fault")).to_be_visible()
    expect(email).to_have_attribute("aria-invalid", "true")

    email.fill(CUSTOMER["email"])
    email.blur()
    expect(page.locator("#email-says .fault")).to_have_count(0)
    expect(email).not_to_have_attribute("aria-invalid", "true")


def test_a_likely_slip_is_a_question_and_no_fault(shop: Shop, page: Page) -> None:
    open_form(page, shop)
    fill_in(page, "ana@gmial.com")
    page.get_by_label("E-mail").blur()
    expect(page.locator("#email-says")).to_contain_text("ana@gmail.com")
    expect(page.get_by_label("E-mail")).not_to_have_attribute("aria-invalid", "true")


def test_another_variant_keeps_what_was_typed(shop: Shop, page: Page) -> None:
    open_form(page, shop, DIGITAL)
    button = page.get_by_role("button", name=re.compile("^Continue"))
    expect(button).to_contain_text("€12.00")
    fill_in(page)
    page.get_by_label(re.compile("printed")).check()
    expect(button).to_contain_text("€24.00")
    expect(page.get_by_label("E-mail")).to_have_value(CUSTOMER["email"])
    expect(page.get_by_label("Name", exact=True)).to_have_value(CUSTOMER["name"])

    send(page)
    page.wait_for_url(f"{shop.emulator.url}/**")
    bought = shop.row("SELECT line_items FROM orders")["line_items"]
    assert [line["service_id"] for line in bought] == [PRINTED]


def test_a_variant_is_chosen_without_scripts_too(
    shop: Shop, page_without_scripts: Page
) -> None:
    page = page_without_scripts
    page.goto(f"{shop.url}/checkout?service_id={DIGITAL}")
    fill_in(page)
    page.get_by_label(re.compile("printed")).check()
    send(page)
    page.wait_for_url(f"{shop.emulator.url}/**")
    assert shop.row("SELECT total_amount FROM orders")["total_amount"] == 2400


def test_another_quantity_changes_the_total(shop: Shop, page: Page) -> None:
    open_form(page, shop)
    fill_in(page)
    page.get_by_label("Quantity").fill("3")
    button = page.get_by_role("button", name=re.compile("^Continue"))
    expect(button).to_contain_text("€240.00")
    expect(page.get_by_role("status").filter(has_text="€")).to_have_text("€240.00")
    expect(page.get_by_label("Quantity")).to_be_focused()


def test_whoever_comes_back_finds_what_was_typed(
    shop: Shop, page_without_scripts: Page
) -> None:
    page = page_without_scripts
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    fill_in(page)
    send(page)
    page.wait_for_url(f"{shop.emulator.url}/**")

    page.go_back()
    expect(page.get_by_label("E-mail")).to_have_value(CUSTOMER["email"])
    send(page)
    page.wait_for_url(f"{shop.emulator.url}/**")


def test_two_clicks_make_one_order_without_scripts_too(
    shop: Shop, page_without_scripts: Page
) -> None:
    page = page_without_scripts
    shop.emulator.be_slow(300)
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    fill_in(page)
    page.get_by_role("button", name=re.compile("^Continue")).dblclick()
    page.wait_for_url(f"{shop.emulator.url}/**")
    assert shop.row("SELECT count(*) AS n FROM orders")["n"] == 1


def test_mistakes_lead_to_their_fields_without_scripts_too(
    shop: Shop, page_without_scripts: Page
) -> None:
    page = page_without_scripts
    page.goto(f"{shop.url}/checkout?service_id={READING}")
    page.get_by_label("E-mail").fill("ana@")
    send(page)
    summary = page.get_by_role("alert").first
    expect(summary).to_be_focused()
    summary.get_by_role("link").first.click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("ana@")


def test_without_a_line_the_form_says_so_and_keeps_all(
    shop: Shop, page: Page, window: Window
) -> None:
    open_form(page, shop)
    fill_in(page)
    page.route("**/checkout/total", lambda route: route.abort())
    page.get_by_label("Quantity").fill("2")
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(CUSTOMER["email"])

    page.unroute_all()
    # This once the console has a reason to complain.
    noises = window[1]
    assert any("ERR_FAILED" in noise for noise in noises)
    noises.clear()
