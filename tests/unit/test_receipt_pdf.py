"""The receipt on paper: what it says, in which letters, and that it never fails."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from flask import current_app
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from storefront import create_app
from storefront.catalog.models import Seller
from storefront.languages import LOCALES, speaking
from storefront.letters.leaf import STAND_IN, clean, lit
from storefront.letters.receipt_pdf import draw_receipt
from storefront.letters.typeface import UPRIGHT, wrap
from storefront.money import (
    NO_DECIMALS,
    THREE_DECIMALS,
    TWO_DECIMALS,
    format_money,
)
from storefront.orders.models import Order, Refund
from storefront.settings import read_settings

PAID_AT = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
URL = "https://lunaria.example/orders/" + "x" * 43
SELLER = Seller(
    legal_name="Mara Quintela, Lunaria",
    address="Rua da Lua Nova 14\n4000-000 Porto",
    tax_id="PT 299 999 990",
)
READING = {
    "name": "Birth chart reading",
    "quantity": 2,
    "unit_amount": 8000,
    "next_steps": "Mara writes to you within a day.",
}


@pytest.fixture(autouse=True, scope="module")
def _app() -> Iterator[None]:
    with create_app(read_settings({"STOREFRONT_ENV": "development"})).app_context():
        yield


def order(**facts: Any) -> Order:
    """Give a paid order."""
    usual = {
        "number": "K7QX2MA",
        "currency": "EUR",
        "total_amount": 16000,
        "amount_refunded": 0,
        "customer_name": "Ana Lima",
        "customer_email": "ana@example.com",
        "paid_at": PAID_AT,
        "line_items": [READING],
    }
    return Order(**usual | facts)


def refund(amount: int) -> Refund:
    """Give a refund that stands."""
    return Refund(amount=amount, counted_amount=amount, created_at=LATER)


def drawn(of: Order, *refunds: Refund, seller: Seller | None = SELLER) -> bytes:
    """Draw the receipt of an order."""
    return draw_receipt(of, refunds, seller, "Lunaria", URL)


def said(pdf: bytes) -> str:
    """Give what can be read and copied, with plain blanks."""
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_it_says_who_sold_what_to_whom_and_what_comes_next() -> None:
    text = said(drawn(order()))

    for fact in (
        "Receipt",
        "K7QX2MA",
        "23 November 2026, 14:03 (UTC)",
        "Mara Quintela, Lunaria",
        "Rua da Lua Nova 14",
        "PT 299 999 990",
        "Ana Lima",
        "ana@example.com",
        "Birth chart reading 2 €80.00 €160.00",
        "Total, with tax €160.00",
        "Mara writes to you within a day.",
        URL,
    ):
        assert fact in text


def test_its_link_can_be_followed() -> None:
    (page,) = PdfReader(BytesIO(drawn(order()))).pages
    (link,) = [note.get_object() for note in page["/Annots"]]
    assert link["/A"]["/URI"] == URL


def test_after_a_refund_it_says_what_was_paid_returned_and_kept() -> None:
    text = said(drawn(order(amount_refunded=4500), refund(1500), refund(3000)))

    for sum_ in ("€160.00", "−€15.00", "−€30.00", "1 December 2026", "€115.00"):
        assert sum_ in text
    assert "What happens next" in text


def test_nothing_is_promised_once_all_is_returned() -> None:
    text = said(drawn(order(amount_refunded=16000), refund(16000)))

    assert "What happens next" not in text
    assert "Mara writes" not in text


def test_the_address_it_goes_to_stands_with_the_buyer() -> None:
    place = {"name": "Ana Lima", "line1": "Calle Sol 1", "country": "ES"}

    with speaking("pt-PT"):
        text = said(drawn(order(shipping_address=place)))

    assert "Ana Lima ana@example.com Calle Sol 1 Espanha" in text


def test_a_shop_without_a_seller_goes_by_its_name() -> None:
    assert "Tax number" not in said(drawn(order(), seller=None))


@pytest.mark.parametrize(
    ("locale", "words", "amount"),
    [
        ("en", ("Receipt", "Paid 23 November 2026"), "€160.00"),
        ("es", ("Recibo", "Pagado el 23 de noviembre de 2026"), "160,00 €"),
        ("pt-PT", ("Recibo", "Pago a 23 de novembro de 2026"), "160,00 €"),
    ],
)
def test_it_speaks_the_language_of_the_order(
    locale: str, words: tuple[str, ...], amount: str
) -> None:
    with speaking(locale):
        pdf = drawn(order())

    assert all(word in said(pdf) for word in (*words, amount))
    assert PdfReader(BytesIO(pdf)).root_object["/Lang"] == locale[:2]


def test_it_bears_a_title_that_readers_show() -> None:
    reader = PdfReader(BytesIO(drawn(order())))

    assert reader.metadata
    assert reader.metadata.title == "Receipt K7QX2MA"
    assert reader.metadata.author == "Mara Quintela, Lunaria"
    assert reader.root_object["/ViewerPreferences"]["/DisplayDocTitle"]


def test_the_same_facts_give_the_same_bytes() -> None:
    assert drawn(order()) == drawn(order())


def test_receipts_drawn_at_once_do_not_get_into_each_other() -> None:
    """The faces are read by all threads, and reading has a place."""
    usual = sys.getswitchinterval()
    names = [chr(ord("A") + number) * 30 for number in range(8)]
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def draw(name: str) -> bytes:
        with app.app_context():
            return drawn(order(customer_name=name))

    alone = [draw(name) for name in names]
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(names)) as pool:
            together = list(pool.map(draw, names * 30))
    finally:
        sys.setswitchinterval(usual)

    assert together == alone * 30


def test_a_sum_and_its_currency_stay_on_one_line() -> None:
    assert wrap("1.000,00\xa0€ ¡ya!", UPRIGHT, 10, 50) == ["1.000,00\xa0€", "¡ya!"]


def test_what_no_line_holds_is_broken_within_the_word() -> None:
    lines = wrap(f"by {'x' * 50}", UPRIGHT, 10, 100)
    assert "".join(lines) == f"by{'x' * 50}"
    assert all(stringWidth(line, UPRIGHT, 10) <= 100 for line in lines)


def test_a_long_list_goes_on_overleaf_under_the_same_heads() -> None:
    lines = [READING | {"name": f"Reading {count}"} for count in range(100)]

    pages = PdfReader(BytesIO(drawn(order(line_items=lines)))).pages

    assert len(pages) > 3
    for number, page in enumerate(pages[:3], start=1):
        assert f"– {number} –" in page.extract_text()
        assert "Unit price" in page.extract_text()


# Letters


NAMES = {
    "Polish": "Łukasz Żółć",
    "Vietnamese": "Nguyễn Thị Hồng",
    "Greek": "Ωμέγα Παπαδοπούλου",
    "Ukrainian": "Їжак Ґалаґан",
    "Serbian": "Ђорђе Њиха",
    "Turkish": "Gülşen Doğan",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_of_europe_are_written_in_their_letters(name: str) -> None:
    assert name in said(drawn(order(customer_name=name)))


def test_letters_in_pieces_are_put_together() -> None:
    assert "Zoë" in said(drawn(order(customer_name="Zoe\N{COMBINING DIAERESIS}")))


def test_what_the_type_cannot_write_leaves_a_mark_and_the_rest_stands() -> None:
    name = "Ana 月 שלום 🌙 👩\N{ZERO WIDTH JOINER}🚀 Lima\N{RIGHT-TO-LEFT OVERRIDE}"

    text = said(drawn(order(customer_name=name)))

    assert f"Ana {STAND_IN} {STAND_IN * 4} {STAND_IN} {STAND_IN * 2} Lima" in text


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_nothing_that_people_type_keeps_a_receipt_from_being_drawn(
    name: str, product: str, promise: str
) -> None:
    line = READING | {"name": product, "next_steps": promise}

    pdf = drawn(order(customer_name=name, line_items=[line]))

    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize("locale", LOCALES.values())
def test_every_currency_can_be_written(locale: str) -> None:
    every = NO_DECIMALS | TWO_DECIMALS | THREE_DECIMALS

    written = [clean(format_money(123456789, currency, locale)) for currency in every]

    assert [amount for amount in written if STAND_IN in amount] == []


# Moons


@pytest.mark.parametrize(
    ("turn", "share"), [(0, 0), (0.25, 0.5), (0.5, 1), (0.75, 0.5), (1, 0)]
)
def test_so_much_of_the_moon_is_lit(turn: float, share: float) -> None:
    outline = lit(turn)
    after = [*outline[1:], outline[0]]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(outline, after, strict=True))
    assert abs(area) / 2 / 3.14159 == pytest.approx(share, abs=0.01)


def test_it_waxes_on_the_right_and_wanes_on_the_left() -> None:
    assert max(x for x, _ in lit(0.2)) == pytest.approx(1)
    assert min(x for x, _ in lit(0.8)) == pytest.approx(-1)
