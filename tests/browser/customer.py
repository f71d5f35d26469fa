"""What a customer does in the browser, step by step."""

import re

from playwright.sync_api import Page, expect

from tests.fixtures.shop import CUSTOMER, Shop

GOOD_CARD, DECLINED_CARD = "4242 4242 4242 4242", "4000 0000 0000 0002"


def fill_in_details(page: Page, shop: Shop, product: str, quantity: int = 1) -> None:
    """Go from the product's page through the details form to the payment page."""
    page.goto(f"{shop.url}/products/{product}")
    page.get_by_role("link", name=re.compile("checkout|book|buy", re.I)).first.click()
    page.get_by_label("E-mail").fill(CUSTOMER["email"])
    page.get_by_label("Name").fill(CUSTOMER["name"])
    page.get_by_label("Quantity").fill(str(quantity))
    agreement = page.get_by_role("checkbox")
    if agreement.count():
        agreement.check()
    page.get_by_role("button", name=re.compile("continue to payment", re.I)).click()
    page.wait_for_url(f"{shop.emulator.url}/**")


def pay(page: Page, card: str = GOOD_CARD) -> None:
    """Pay on the payment page."""
    page.get_by_label("Card number").fill(card)
    page.get_by_label("Expiry").fill("12 / 30")
    page.get_by_label("CVC").fill("123")
    page.get_by_label("Name on the card or account").fill(CUSTOMER["name"])
    page.get_by_role("button", name=re.compile(r"^Pay ")).click()


def expect_paid(page: Page, shop: Shop) -> None:
    """See the order page turn to "paid" by itself, and find the receipt."""
    page.wait_for_url(f"{shop.url}/orders/**")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile("received|paid", re.I), timeout=15_000
    )
    shop.run_job("send-mail")
    receipts = [
        letter
        for letter in shop.mailbox.letters
        if CUSTOMER["email"] in letter.recipients
    ]
    assert len(receipts) == 1
    assert number_on(page) in receipts[0].subject


def number_on(page: Page) -> str:
    """Read the order's number from its page."""
    return page.locator(".number strong").inner_text()
