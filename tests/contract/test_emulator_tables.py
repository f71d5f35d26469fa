"""The emulator's own tables agree with Stripe's description of its API."""

import re
from typing import Any

import pytest

from storefront.demo.stripe_emulator import shapes
from storefront.demo.stripe_emulator.operations import OPERATIONS, Operation
from storefront.demo.stripe_emulator.parameters import (
    Choice,
    Integer,
    Items,
    Kind,
    Members,
    Metadata,
    Moment,
    Refused,
    Text,
    Truth,
)
from tests.contract.description import ApiDescription, JsonObject, request_schema

# Lists that Stripe shows only when they are expanded.
EXPANDED_ONLY = {"checkout.session": {"line_items"}, "charge": {"refunds"}}
# Stripe's limit for strings, written down in some places and left out in others.
USUAL_LIMIT = 5000


def described(description: ApiDescription, operation: Operation) -> JsonObject:
    path = operation.path.replace("<key>", "x")
    found = description.find_operation(operation.method.lower(), path)
    assert found, f"{operation.method} {operation.path} is not Stripe's"
    return request_schema(found[1])


def test_every_described_operation_is_answered(description: ApiDescription) -> None:
    described_ones = {
        (method.upper(), re.sub(r"\{\w+\}", "<key>", path))
        for path, item in description.document["paths"].items()
        for method in item
    }
    assert {(one.method, one.path) for one in OPERATIONS} == described_ones


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.method + one.path)
def test_parameters_agree(description: ApiDescription, operation: Operation) -> None:
    compare(operation.params, described(description, operation), operation.path)


@pytest.mark.parametrize("kind", shapes.NULLABLE)
def test_blank_objects_have_all_nullable_members(
    description: ApiDescription, kind: str
) -> None:
    nullable = {
        name
        for name, schema in description.properties(kind).items()
        if allows_null(schema)
    }
    expected = nullable - EXPANDED_ONLY.get(kind, set())
    assert set(shapes.NULLABLE[kind].split()) == expected


def test_the_api_version_is_the_described_one(description: ApiDescription) -> None:
    assert description.document["info"]["version"] == shapes.API_VERSION


def allows_null(schema: JsonObject) -> bool:
    if "anyOf" in schema:
        return any(allows_null(option) for option in schema["anyOf"])
    kinds = schema.get("type")
    return kinds == "null" or (isinstance(kinds, list) and "null" in kinds)


def compare(kind: Kind, schema: JsonObject, where: str) -> None:
    """Hold a parameter's kind against its schema, all the way down."""
    if isinstance(kind, Refused):
        return
    schema = without_empty(kind, schema)
    match kind:
        case Members():
            assert set(kind.kinds) == set(schema["properties"]), where
            assert set(kind.required) == set(schema.get("required", [])), where
            for name, inner in kind.kinds.items():
                compare(inner, schema["properties"][name], f"{where} {name}")
        case Items():
            compare(kind.of, schema["items"], f"{where} []")
        case Choice():
            assert set(kind.words) == set(schema["enum"]) - {""}, where
        case Metadata():
            assert schema["additionalProperties"]["type"] == "string", where
        case Moment():
            assert set(schema["properties"]) == {"gt", "gte", "lt", "lte"}, where
        case _:
            plain(kind, schema, where)


def plain(kind: Any, schema: JsonObject, where: str) -> None:
    names = {Text: "string", Integer: "integer"}
    name = "boolean" if isinstance(kind, Truth) else names[type(kind)]
    assert schema["type"] == name, where
    if isinstance(kind, Text):
        limit = kind.limit or USUAL_LIMIT
        assert limit == schema.get("maxLength", USUAL_LIMIT), where


def without_empty(kind: Kind, schema: JsonObject) -> JsonObject:
    """Of "this or an empty string", take this."""
    options: list[JsonObject] = schema.get("anyOf", [schema])
    if isinstance(kind, Moment):
        return options[0]
    return next(option for option in options if option.get("enum") != [""])
