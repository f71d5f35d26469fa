"""A file that was wanted at once: its download ends the right to withdraw from it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import requests
from psycopg2.extras import Json

from storefront.checkout.withdraw import withdraw
from storefront.errors import NothingToWithdraw
from storefront.fulfilment.withdrawals import Statement
from tests.factories.events import pay_by_events
from tests.fixtures.shop import CUSTOMER, Placed, Shop

FILE, READING = "almanac-2027-digital", "birth-chart-reading"
LABEL = "Withdraw from contract here"
BROWSER = {"Sec-Fetch-Site": "same-origin"}
CONSENT = {"kind": "withdrawal", "version": "1", "language": "en", "text": "At once."}
STATEMENT = Statement("Ana", CUSTOMER["email"], None)


def bought(shop: Shop, *products: str, agreed: bool = True) -> Placed:
    """Buy files and other things, and agree that a download ends the right."""
    items = [{"service_id": one, "quantity": 1} for one in products or (FILE,)]
    body = shop.post("/api/checkout", json={"items": items, "customer": CUSTOMER})
    order = shop.row("SELECT * FROM orders WHERE id = %s", body.json()["order_id"])
    placed = Placed(
        order["id"], order["provider_session_id"], order["page_token"], body.json()
    )
    if agreed:
        shop.rows("UPDATE orders SET consent = %s", Json(CONSENT))
    pay_by_events(shop, placed)
    return placed


def download(shop: Shop, placed: Placed, **headers: str) -> requests.Response:
    path = f"/orders/{placed.token}/files/{FILE}"
    return shop.get(path, headers=headers)


def page(shop: Shop, placed: Placed, rest: str = "") -> str:
    return shop.get(f"/orders/{placed.token}{rest}").text


def test_until_it_is_downloaded_the_right_is_there_and_its_end_is_told(
    shop: Shop,
) -> None:
    html = page(shop, bought(shop))

    assert LABEL in html
    assert "ends when you begin it" in html


def test_the_download_ends_the_right_and_the_page_says_so(shop: Shop) -> None:
    placed = bought(shop)

    assert download(shop, placed, **BROWSER).status_code == 200

    for html in (page(shop, placed), page(shop, placed, "/withdrawal")):
        assert LABEL not in html
        assert "the right to withdraw from it ended with that" in " ".join(html.split())
    with shop.app.app_context(), pytest.raises(NothingToWithdraw):
        withdraw(UUID(placed.id), STATEMENT)
    assert shop.rows("SELECT * FROM withdrawals") == []
    # What was bought stays.
    assert download(shop, placed, **BROWSER).status_code == 200


def test_the_first_moment_is_kept(shop: Shop) -> None:
    placed = bought(shop)
    download(shop, placed, **BROWSER)
    first = shop.rows("SELECT * FROM deliveries")

    download(shop, placed, **BROWSER)

    assert len(first) == 1
    assert shop.rows("SELECT * FROM deliveries") == first


def test_without_a_consent_no_download_ends_anything(shop: Shop) -> None:
    placed = bought(shop, agreed=False)

    assert download(shop, placed, **BROWSER).status_code == 200

    assert LABEL in page(shop, placed)
    assert shop.rows("SELECT * FROM deliveries") == []


@pytest.mark.parametrize(
    "headers",
    [{}, {**BROWSER, "Sec-Purpose": "prefetch"}],
    ids=["a program that looks through mail", "fetched in advance"],
)
def test_what_no_person_asks_for_takes_no_right_away(
    shop: Shop, headers: dict[str, str]
) -> None:
    placed = bought(shop)

    assert download(shop, placed, **headers).status_code == 200
    shop.http.head(f"{shop.url}/orders/{placed.token}/files/{FILE}", headers=BROWSER)

    assert shop.rows("SELECT * FROM deliveries") == []
    assert LABEL in page(shop, placed)


def test_the_rest_of_an_order_can_still_be_withdrawn_from(shop: Shop) -> None:
    placed = bought(shop, FILE, READING)
    download(shop, placed, **BROWSER)

    assert LABEL in page(shop, placed)
    with shop.app.app_context():
        withdraw(UUID(placed.id), STATEMENT)

    (line,) = shop.row("SELECT line_items FROM withdrawals")["line_items"]
    assert line["service_id"] == READING
    # What it does not cover stays the customer's.
    assert download(shop, placed, **BROWSER).status_code == 200


def test_a_file_that_is_given_back_is_no_longer_handed_out(shop: Shop) -> None:
    placed = bought(shop)
    with shop.app.app_context():
        withdraw(UUID(placed.id), STATEMENT)

    assert download(shop, placed, **BROWSER).status_code == 404
    assert f"/files/{FILE}" not in page(shop, placed)
    assert shop.rows("SELECT * FROM deliveries") == []


@pytest.mark.parametrize("turn", range(5))
def test_a_download_beside_a_statement_comes_before_it_or_after_it(
    shop: Shop, turn: int
) -> None:
    placed = bought(shop)
    start = threading.Barrier(2)
    path = f"{shop.url}/orders/{placed.token}/files/{FILE}"

    def fetch() -> int:
        start.wait()
        return requests.get(path, headers=BROWSER, timeout=30).status_code

    with ThreadPoolExecutor(1) as other, shop.app.app_context():
        fetching = other.submit(fetch)
        start.wait()
        time.sleep(turn / 200)
        try:
            withdraw(UUID(placed.id), STATEMENT)
        except NothingToWithdraw:
            expected = 200
        else:
            expected = 404
        assert fetching.result() == expected
