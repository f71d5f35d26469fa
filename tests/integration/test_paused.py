"""What pauses stays in sight with its reason, and is sold by nobody."""

import re

import pytest

from tests.factories.events import row_counts
from tests.fixtures.shop import CUSTOMER, READING, Shop
from tests.integration.test_checkout_form import fields, opened, submit

REASON = "Mara is on the road until <March>."


@pytest.fixture
def form(shop: Shop) -> dict[str, str]:
    """Give the form of a product that pauses once it is open."""
    form = opened(shop)
    shop.rows("UPDATE products SET pause_note = %s WHERE id = %s", REASON, READING)
    return form


def test_its_page_says_why_and_offers_to_talk(shop: Shop, form: object) -> None:
    answer = shop.get(f"/products/{READING}")

    assert answer.status_code == 200
    assert "Mara is on the road until &lt;March&gt;." in answer.text
    assert "https://wa.me/" in answer.text
    assert f"/checkout?service_id={READING}" not in answer.text


def test_it_stays_on_the_shelf_without_a_button(shop: Shop, form: object) -> None:
    page = shop.get("/").text

    assert f'href="/products/{READING}"' in page
    assert "Mara is on the road" in page
    assert f"/checkout?service_id={READING}" not in page


@pytest.mark.parametrize("way", ["get", "submit", "again", "total"])
def test_no_form_of_it_is_shown_or_taken(
    shop: Shop, form: dict[str, str], way: str
) -> None:
    before = row_counts(shop)

    if way == "get":
        answer = shop.get(f"/checkout?service_id={READING}")
    elif way == "submit":
        answer = submit(shop, form)
    else:
        answer = shop.post(f"/checkout/{way}", data=form)

    assert answer.status_code == 409
    assert "Mara is on the road until &lt;March&gt;." in answer.text
    assert "https://wa.me/" in answer.text
    assert 'name="email"' not in answer.text
    assert row_counts(shop) == before


def test_a_fragment_says_it_as_a_fragment(shop: Shop, form: object) -> None:
    answer = shop.get(f"/checkout?service_id={READING}", headers={"HX-Request": "true"})

    assert answer.status_code == 409
    assert answer.text.startswith('<div class="panel waiting" id="paused">')
    assert "<html" not in answer.text


def test_programs_see_it_and_cannot_buy_it(shop: Shop, form: object) -> None:
    told = {one["id"]: one["available"] for one in shop.get("/api/products").json()}
    assert [product for product, available in told.items() if not available] == [
        READING
    ]

    answer = shop.checkout()

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "items.0.service_id"
    assert shop.rows("SELECT * FROM orders") == []


def test_a_paused_variant_is_no_choice_in_the_form_of_another(shop: Shop) -> None:
    shop.rows(
        "UPDATE products SET pause_note = 'Sold out' WHERE id = 'almanac-2027-printed'"
    )

    page = shop.get("/checkout?service_id=almanac-2027-digital").text

    assert 'value="almanac-2027-printed"' not in page


def test_an_order_from_before_can_still_be_paid(shop: Shop) -> None:
    placed = shop.place()
    shop.rows("UPDATE products SET pause_note = %s", REASON)
    page = shop.get(f"/orders/{placed.token}").text

    answer = shop.post(f"/orders/{placed.token}/pay", data=fields(page))

    assert answer.status_code == 303
    assert re.match(shop.emulator.url, answer.headers["Location"])
    assert CUSTOMER["email"] in page
