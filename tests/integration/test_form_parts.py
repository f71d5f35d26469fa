"""Parts of the details form that are asked for while somebody types."""

import re

import pytest
import requests

from tests.fixtures.shop import CUSTOMER, READING, Shop


def post(shop: Shop, path: str, **typed: str) -> requests.Response:
    """Send what is typed, as the opened form would."""
    page = shop.get(f"/checkout?service_id={READING}").text
    found = re.search(r'name="csrf_token" value="([^"]*)"', page)
    assert found
    form = {"csrf_token": found[1], "service_id": READING, "quantity": "1", **CUSTOMER}
    return shop.post(path, data={**form, **typed}, headers={"HX-Request": "true"})


@pytest.mark.parametrize(
    ("quantity", "total"), [("1", "€80.00"), ("20", "€1,600.00"), ("21", "€80.00")]
)
def test_the_total_follows_the_quantity(shop: Shop, quantity: str, total: str) -> None:
    answer = post(shop, "/checkout/total", quantity=quantity)

    assert answer.status_code == 200
    assert answer.text.strip().startswith('<div id="sum"')
    assert f'<output for="quantity">{total}</output>' in answer.text


@pytest.mark.parametrize(
    ("product", "status"), [("nothing", 404), ("", 404), ("almanac-2026", 410)]
)
@pytest.mark.parametrize("part", ["total", "again"])
def test_what_cannot_be_bought_has_no_total(
    shop: Shop, part: str, product: str, status: int
) -> None:
    answer = post(shop, f"/checkout/{part}", service_id=product)

    assert answer.status_code == status


def test_the_form_of_another_variant_keeps_what_was_typed(shop: Shop) -> None:
    answer = post(
        shop,
        "/checkout/again",
        service_id="three-readings",
        name="Ana Outra",
        checkout_token="the-same-token",
    )

    assert answer.status_code == 200
    assert 'value="Ana Outra"' in answer.text
    assert 'value="three-readings"' in answer.text
    assert "the-same-token" in answer.text
    assert "€210.00" in answer.text


FAULTS = [
    ("email", "nobody", "name@example.com"),
    ("name", "", "Enter your name"),
    ("note", "x" * 1001, "1000"),
]


@pytest.mark.parametrize(("name", "typed", "says"), FAULTS)
def test_a_field_says_what_is_wrong_with_it_alone(
    shop: Shop, name: str, typed: str, says: str
) -> None:
    others = {"quantity": "0", "email": "nobody", "name": "", "note": "x" * 1001}

    answer = post(shop, f"/checkout/check/{name}", **{**others, name: typed})

    assert answer.status_code == 200
    assert says in answer.text
    assert sum(other in answer.text for _, _, other in FAULTS) == 1


def test_a_field_that_is_right_says_nothing(shop: Shop) -> None:
    for name in ("email", "name", "note"):
        answer = post(shop, f"/checkout/check/{name}", quantity="0")
        assert "fault" not in answer.text
        assert not any(says in answer.text for _, _, says in FAULTS)


def test_an_address_that_looks_mistyped_is_asked_about_at_its_own_field(
    shop: Shop,
) -> None:
    slip = {"email": "ana@gmial.com"}

    assert "ana@gmail.com" in post(shop, "/checkout/check/email", **slip).text
    assert "ana@gmail.com" not in post(shop, "/checkout/check/name", **slip).text


@pytest.mark.parametrize("name", ["quantity", "consent", "csrf_token", "x"])
def test_other_fields_are_not_checked_while_typing(shop: Shop, name: str) -> None:
    assert post(shop, f"/checkout/check/{name}").status_code == 404
