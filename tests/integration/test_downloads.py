"""Files are for those who have paid, and for as long as not all of it went back."""

import re

import pytest
import requests

from tests.factories.catalog import CATALOG
from tests.factories.events import pay_by_events, refund_of, tell
from tests.fixtures.shop import Placed, Shop

FILE = "almanac-2027-digital"


def download(
    shop: Shop, placed: Placed, product: str = FILE, token: str | None = None
) -> requests.Response:
    return shop.get(f"/orders/{token or placed.token}/files/{product}")


def is_refused(answer: requests.Response) -> bool:
    return answer.status_code == 404 and "Content-Disposition" not in answer.headers


def paid(shop: Shop, product: str = FILE) -> Placed:
    placed = shop.place(product)
    pay_by_events(shop, placed)
    return placed


def test_a_paid_order_gives_the_file_as_an_attachment_that_nobody_keeps(
    shop: Shop,
) -> None:
    placed = paid(shop)

    answer = download(shop, placed)

    assert answer.status_code == 200
    assert answer.content == CATALOG.with_name("almanac.pdf").read_bytes()
    assert answer.headers["Content-Type"] == "application/pdf"
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment")
    assert "almanac.pdf" in told
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_order_page_links_to_the_file_once_it_is_paid(shop: Shop) -> None:
    placed = shop.place(FILE)
    link = f"/orders/{placed.token}/files/{FILE}"
    assert link not in shop.get(f"/orders/{placed.token}").text

    pay_by_events(shop, placed)

    assert link in shop.get(f"/orders/{placed.token}").text


def test_the_file_can_be_fetched_again(shop: Shop) -> None:
    placed = paid(shop)

    first, second = download(shop, placed), download(shop, placed)

    assert first.content == second.content


def test_a_pending_order_gives_nothing(shop: Shop) -> None:
    assert is_refused(download(shop, shop.place(FILE)))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("checkout.session.completed", {"payment_status": "unpaid"}),
        ("checkout.session.async_payment_failed", {"payment_status": "unpaid"}),
        ("checkout.session.expired", {"status": "expired", "payment_status": "unpaid"}),
    ],
)
def test_an_order_that_is_not_paid_gives_nothing(
    shop: Shop, kind: str, changes: dict[str, str]
) -> None:
    placed = shop.place(FILE)
    session = {**shop.emulator.session(placed.session_id), "status": "complete"}
    tell(shop, kind, {**session, **changes})

    assert is_refused(download(shop, placed))


def test_a_partial_refund_leaves_the_file_and_a_full_one_takes_it(shop: Shop) -> None:
    """Row 57: what is paid for may be had."""
    placed = paid(shop)

    tell(shop, "refund.created", refund_of(placed, 500))
    assert download(shop, placed).status_code == 200

    tell(shop, "refund.created", refund_of(placed, 700))
    assert shop.order(placed.id)["status"] == "refunded"
    assert is_refused(download(shop, placed))


def test_another_order_does_not_open_the_file(shop: Shop) -> None:
    paid(shop)

    assert is_refused(download(shop, paid(shop, "birth-chart-reading")))


@pytest.mark.parametrize(
    "product",
    [
        "birth-chart-reading",
        "almanac-2027-printed",
        "nothing",
        "almanac.pdf",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "almanac-2027-digital%00",
        "x" * 5000,
    ],
)
def test_nothing_but_what_was_bought_is_given(shop: Shop, product: str) -> None:
    assert is_refused(download(shop, paid(shop), product))


def test_a_token_that_is_not_whole_opens_nothing(shop: Shop) -> None:
    placed = paid(shop)

    for token in (placed.token[:-1], placed.token + "A", placed.token.upper(), "x"):
        assert is_refused(download(shop, placed, token=token))


def test_a_token_with_nul_opens_nothing(shop: Shop) -> None:
    placed = paid(shop)

    assert is_refused(download(shop, placed, token=f"{placed.token}%00"))


def test_every_refusal_reads_the_same(shop: Shop) -> None:
    pending, other = shop.place(FILE), paid(shop, "birth-chart-reading")
    answers = [
        download(shop, pending),
        download(shop, other),
        download(shop, other, "nothing"),
        download(shop, other, token="x" * 43),
    ]

    bodies = {re.sub(a.headers["X-Request-Id"], "", a.text) for a in answers}

    assert len(bodies) == 1
