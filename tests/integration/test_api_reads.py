"""The shop for programs that only look: orders, products, and the description."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from tests.factories.events import (
    JsonObject,
    pay_by_events,
    problem_of,
    refund_of,
    tell,
)
from tests.fixtures.shop import CUSTOMER, Shop

ORDER_MEMBERS = {
    "id",
    "number",
    "status",
    "currency",
    "total_amount",
    "amount_refunded",
    "created_at",
    "updated_at",
    "line_items",
}


def moment(text: str) -> datetime:
    told = datetime.fromisoformat(text)
    assert told.utcoffset() is not None
    return told.astimezone(UTC)


def test_an_order_tells_exactly_what_the_contract_says(shop: Shop) -> None:
    placed = shop.place(quantity=2)

    order = shop.order(placed.id)

    assert set(order) == ORDER_MEMBERS
    assert order["id"] == placed.id
    assert order["number"] == placed.answer["number"]
    assert (order["status"], order["currency"]) == ("pending", "EUR")
    assert (order["total_amount"], order["amount_refunded"]) == (16000, 0)
    assert order["line_items"] == [
        {
            "service_id": "birth-chart-reading",
            "name": "Birth chart reading",
            "quantity": 2,
            "unit_amount": 8000,
        }
    ]


def test_an_order_tells_when_it_was_made_and_when_it_changed(shop: Shop) -> None:
    placed = shop.place()
    made = shop.order(placed.id)

    pay_by_events(shop, placed)

    paid = shop.order(placed.id)
    assert paid["created_at"] == made["created_at"]
    assert moment(paid["updated_at"]) >= moment(made["created_at"])
    assert abs((datetime.now(UTC) - moment(made["created_at"])).total_seconds()) < 60


def test_moments_are_written_in_utc_with_a_z(shop: Shop) -> None:
    placed = shop.place()
    order = shop.order(placed.id)

    for text in (
        placed.answer["expires_at"],
        order["created_at"],
        order["updated_at"],
    ):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)


def test_an_order_tells_nothing_personal_and_no_secret(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)

    text = shop.get(f"/api/orders/{placed.id}").text

    for secret in (*CUSTOMER.values(), placed.token, placed.session_id, "pi_"):
        assert secret not in text


def test_an_order_follows_its_refunds(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)

    tell(shop, "refund.created", refund_of(placed, 3000))
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 3000)

    tell(shop, "refund.created", refund_of(placed, 5000))
    order = shop.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("refunded", 8000)


def test_what_was_bought_stays_as_it_was_when_the_catalog_changes(shop: Shop) -> None:
    placed = shop.place()
    before = shop.order(placed.id)

    shop.rows("UPDATE products SET unit_amount = 1, name = 'x', is_active = false")

    assert shop.order(placed.id) == before


@pytest.mark.parametrize(
    "name",
    [
        "00000000-0000-4000-8000-000000000000",
        "1",
        "not-a-uuid",
        "00000000000040008000000000000000",
        "00000000-0000-4000-8000-000000000000/",
        "%00",
        "..%2forders",
        "' OR 1=1 --",
        "x" * 5000,
    ],
)
def test_an_order_that_is_not_there_is_a_problem_404(shop: Shop, name: str) -> None:
    problem_of(shop.get(f"/api/orders/{name}"), 404)


def test_neither_the_number_nor_the_token_finds_an_order(shop: Shop) -> None:
    placed = shop.place()

    for name in (placed.answer["number"], placed.token, placed.session_id):
        problem_of(shop.get(f"/api/orders/{name}"), 404)


def test_status_is_not_limited(shop: Shop) -> None:
    placed = shop.place()

    answers = [shop.get(f"/api/orders/{placed.id}") for _ in range(30)]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_the_catalog_lists_what_can_be_bought_in_the_owners_order(shop: Shop) -> None:
    products = shop.get("/api/products").json()

    rows = shop.rows("SELECT * FROM products WHERE is_active ORDER BY position, id")
    assert [product["id"] for product in products] == [row["id"] for row in rows]
    assert products[0] == {
        "id": "birth-chart-reading",
        "kind": "session",
        "name": "Birth chart reading",
        "summary": "Your chart, read together.",
        "unit_amount": 8000,
        "currency": "EUR",
        "url": f"{shop.app.config['SETTINGS'].base_url}/products/birth-chart-reading",
        "available": True,
        "consent": None,
    }
    assert {product["kind"] for product in products} == {"session", "pack", "almanac"}
    yen = next(product for product in products if product["currency"] == "JPY")
    assert yen["unit_amount"] == 9000


def test_what_is_no_longer_sold_is_not_listed(shop: Shop) -> None:
    assert "almanac-2026" not in shop.get("/api/products").text


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/orders", "/api/x/y"])
def test_an_address_that_is_not_there_is_a_problem_404(shop: Shop, path: str) -> None:
    problem_of(shop.get(path), 404)


@pytest.mark.parametrize("path", ["/api/products", "/api/openapi.json"])
def test_reading_is_by_get_alone(shop: Shop, path: str) -> None:
    answer = shop.post(path)

    problem_of(answer, 405)
    assert "GET" in answer.headers["Allow"]


def references(value: Any) -> Iterator[str]:
    """Give every $ref in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inside in value.values():
            yield from references(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from references(inside)


@pytest.fixture
def description(shop: Shop) -> JsonObject:
    told: JsonObject = shop.get("/api/openapi.json").json()
    return told


def test_the_description_has_the_shape_of_openapi_3_1(description: JsonObject) -> None:
    assert description["openapi"].startswith("3.1.")
    assert set(description["info"]) >= {"title", "version"}
    for path, item in description["paths"].items():
        assert path.startswith("/api/")
        for method, operation in item.items():
            assert method in ("get", "post")
            assert operation["responses"]
            for code, answer in operation["responses"].items():
                assert re.fullmatch(r"[1-5]\d\d", code)
                assert answer["description"]
            named = {p["name"] for p in operation.get("parameters", [])}
            assert set(re.findall(r"{(\w+)}", path)) <= named
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_in_the_description_leads_somewhere(
    description: JsonObject,
) -> None:
    for reference in references(description):
        found: Any = description
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_the_description_names_every_json_endpoint(description: JsonObject) -> None:
    assert set(description["paths"]) >= {
        "/api/checkout",
        "/api/orders/{order_id}",
        "/api/products",
    }


def test_the_description_names_the_faults_of_fields(description: JsonObject) -> None:
    errors = description["components"]["schemas"]["Problem"]["properties"]["errors"]

    assert set(errors["items"]["properties"]) == {"field", "message"}


def check(
    description: JsonObject, method: str, path: str, answer: requests.Response
) -> None:
    """Hold an answer against what the description says of its status."""
    described = description["paths"][path][method]["responses"]
    content = described[str(answer.status_code)]["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    schema = {**content[kind]["schema"], "components": description["components"]}
    Draft202012Validator(schema).validate(answer.json())


def test_every_answer_is_as_the_description_says(
    shop: Shop, description: JsonObject
) -> None:
    order, checkout = "/api/orders/{order_id}", "/api/checkout"
    placed = shop.place()
    unknown = "/api/orders/00000000-0000-4000-8000-000000000000"
    check(description, "get", order, shop.get(f"/api/orders/{placed.id}"))
    check(description, "get", order, shop.get(unknown))
    check(description, "get", "/api/products", shop.get("/api/products"))
    check(description, "post", checkout, shop.checkout())
    check(description, "post", checkout, shop.checkout("nothing"))
    check(description, "post", checkout, shop.post(checkout, data="x"))
    check(description, "post", checkout, shop.post(checkout, json={}))
    shop.emulator.fail(400, method="POST")
    check(description, "post", checkout, shop.checkout())


def test_what_the_description_calls_a_good_body_is_one_and_no_other(
    description: JsonObject,
) -> None:
    schema = {
        "$ref": "#/components/schemas/CheckoutBody",
        "components": description["components"],
    }
    body = Draft202012Validator(schema)
    item = {"service_id": "birth-chart-reading", "quantity": 1}

    assert body.is_valid({"items": [item], "customer": CUSTOMER})
    assert not body.is_valid({"items": [], "customer": CUSTOMER})
    assert not body.is_valid({"items": [item]})
    assert not body.is_valid(
        {"items": [{**item, "unit_amount": 1}], "customer": CUSTOMER}
    )
    assert not body.is_valid(
        {"items": [{**item, "quantity": 21}], "customer": CUSTOMER}
    )
