"""What a customer presses again and again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.fixtures.shop import CUSTOMER, Shop
from tests.integration.test_checkout_form import fields

CLICKS = 10


def books(shop: Shop) -> list[dict[str, Any]]:
    """Give all that is known of orders and their money."""
    return [
        *shop.rows("SELECT * FROM orders"),
        *shop.rows("SELECT * FROM order_events"),
        *shop.rows("SELECT * FROM checkout_attempts"),
        *shop.rows("SELECT * FROM refunds"),
        *shop.rows("SELECT * FROM matters"),
    ]


def test_a_receipt_asked_for_ten_times_comes_three_times_and_moves_nothing(
    shop: Shop,
) -> None:
    """Row 42: at once, by a page that was open in ten windows."""
    placed = shop.place()
    shop.pay(placed)
    shop.run_job("send-mail")
    path = f"/orders/{placed.token}"
    form = fields(shop.get(path).text)
    cookies = dict(shop.http.cookies)
    before = books(shop)

    def press(_: int) -> int:
        with requests.Session() as http:
            http.trust_env = False
            answer = http.post(
                f"{shop.url}{path}/receipt",
                data=form,
                cookies=cookies,
                allow_redirects=False,
                timeout=30,
            )
        return answer.status_code

    with ThreadPoolExecutor(CLICKS) as windows:
        statuses = sorted(windows.map(press, range(CLICKS)))

    assert statuses == [303] * 3 + [429] * 7
    shop.run_job("send-mail")
    assert books(shop) == before
    kinds = shop.rows("SELECT kind, recipient FROM letters WHERE kind <> 'new_order'")
    assert sorted(row["kind"] for row in kinds) == ["receipt"] + ["receipt_again"] * 3
    assert {row["recipient"] for row in kinds} == {CUSTOMER["email"]}
    ids = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert len(set(ids)) == len(ids) == 5
    assert shop.check() == []
