"""The receipt as a file: with its letter, and from the order's page."""

from io import BytesIO

import pytest
import requests
import stripe
from pypdf import PdfReader

from tests.fixtures.shop import CUSTOMER, Placed, Shop


@pytest.fixture
def paid(shop: Shop) -> Placed:
    """Give a paid order."""
    placed = shop.place()
    shop.pay(placed)
    return placed


def fetch(shop: Shop, placed: Placed, language: str = "") -> requests.Response:
    """Get the receipt of an order."""
    return shop.get(f"{language}/orders/{placed.token}/receipt.pdf")


def said(pdf: bytes) -> str:
    """Give what a receipt says, with plain blanks."""
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_page_of_a_paid_order_links_to_its_receipt(
    shop: Shop, paid: Placed
) -> None:
    page = shop.get(f"/orders/{paid.token}").text
    assert f'href="/orders/{paid.token}/receipt.pdf"' in page

    answer = fetch(shop, paid)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    name = f"Lunaria-{paid.answer['number']}.pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    for fact in (paid.answer["number"], CUSTOMER["name"], "€80.00", "PT123456789"):
        assert fact in said(answer.content)


def test_nobody_keeps_it_or_finds_it_by_searching(shop: Shop, paid: Placed) -> None:
    headers = fetch(shop, paid).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("rest", ["", "/status"])
def test_before_it_is_paid_there_is_no_receipt(shop: Shop, rest: str) -> None:
    placed = shop.place()

    assert "receipt.pdf" not in shop.get(f"/orders/{placed.token}{rest}").text
    answer = fetch(shop, placed)
    unknown = shop.get(f"/orders/{'x' * 43}/receipt.pdf")
    assert answer.status_code == unknown.status_code == 404
    assert set(answer.headers) == set(unknown.headers)
    bodies = {
        one.text.replace(one.headers["X-Request-Id"], "") for one in (answer, unknown)
    }
    assert len(bodies) == 1


def test_it_speaks_the_language_of_its_page(shop: Shop, paid: Placed) -> None:
    text = said(fetch(shop, paid, "/es").content)

    assert "Recibo" in text
    assert "80,00 €" in text
    assert f"{shop.url}/es/orders/{paid.token}" in text


def test_it_follows_a_refund(
    shop: Shop, paid: Placed, dashboard: stripe.StripeClient
) -> None:
    intent = shop.emulator.session(paid.session_id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 3000})
    shop.emulator.wait()

    text = said(fetch(shop, paid).content)
    page = shop.get(f"/orders/{paid.token}").text
    for amount in ("€80.00", "−€30.00", "€50.00"):
        assert amount in text
        assert amount in page


def test_the_letter_brings_the_file_that_the_page_offers(
    shop: Shop, paid: Placed
) -> None:
    shop.run_job("send-mail")

    (letter,) = [
        one for one in shop.mailbox.letters if CUSTOMER["email"] in one.recipients
    ]
    (part,) = letter.attachments
    assert part.get_content_type() == "application/pdf"
    assert part.get_filename() == f"Lunaria-{paid.answer['number']}.pdf"
    assert part.get_content() == fetch(shop, paid).content


def test_other_letters_bring_no_file(shop: Shop, paid: Placed) -> None:
    shop.run_job("send-mail")

    (letter,) = [
        one for one in shop.mailbox.letters if CUSTOMER["email"] not in one.recipients
    ]
    assert letter.attachments == []
