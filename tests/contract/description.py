"""Stripe's own description of its API, and how requests and answers are held to it."""

import copy
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

FILE = Path(__file__).parent.parent / "data" / "stripe" / "openapi-trimmed.json"
JsonObject = dict[str, Any]


@dataclass
class ApiDescription:
    """The description, in strict form: no member that it does not name."""

    document: JsonObject
    validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def check(
        self, method: str, url: str, body: str | None, status: int, answer: str
    ) -> None:
        """Hold one exchange against the description.

        A request that does not fit must have been refused; every answer must fit.
        """
        parts = urlsplit(url)
        told = json.loads(answer)
        if status >= 400:
            self.check_object("error", told)
        found = self.find_operation(method, parts.path)
        if found is None:
            assert status == 404, f"{method} {parts.path} is not described"
            return
        name, operation = found
        sent = body if method == "post" else parts.query
        faults = self.request_faults(name, operation, sent or "")
        if status == 200:
            assert not faults, f"{name} took what it should refuse: {faults}"
            self._check_answer(name, operation, told)

    def find_operation(self, method: str, path: str) -> tuple[str, JsonObject] | None:
        """Give an operation and its name."""
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if method in item and re.fullmatch(pattern, path):
                return f"{method} {template}", item[method]
        return None

    def request_faults(self, name: str, operation: JsonObject, sent: str) -> list[str]:
        """Say what in a request the description does not allow."""
        schema = request_schema(operation)
        read = decode(sent, schema)
        validator = self._validator(f"request {name}", schema)
        return [error.message for error in validator.iter_errors(read)]

    def check_object(self, kind: str, shown: JsonObject) -> None:
        """Hold an object against its schema; events hold one more inside."""
        reference = {"$ref": f"#/components/schemas/{kind}"}
        self._check(f"object {kind}", reference, shown)
        if kind == "event":
            inside = shown["data"]["object"]
            self.check_object(inside["object"], inside)

    def properties(self, kind: str) -> JsonObject:
        """Give the members of an object."""
        schema: JsonObject = self.document["components"]["schemas"][kind]
        properties: JsonObject = schema["properties"]
        return properties

    def _check_answer(self, name: str, operation: JsonObject, told: JsonObject) -> None:
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        self._check(f"answer {name}", schema, told)
        for event in told["data"] if name == "get /v1/events" else []:
            self.check_object("event", event)

    def _check(self, name: str, schema: JsonObject, value: Any) -> None:
        faults = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validator(name, schema).iter_errors(value)
        ]
        assert not faults, f"{name}: {faults}"

    def _validator(self, name: str, schema: JsonObject) -> Draft202012Validator:
        if name not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[name] = Draft202012Validator(whole)
        return self.validators[name]


def load_description() -> ApiDescription:
    """Read the description and close its objects."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return ApiDescription(_closed(copy.deepcopy(document)))


def request_schema(operation: JsonObject) -> JsonObject:
    """Give the schema of a request: its form body, or its query."""
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        schema: JsonObject = content["schema"]
        return schema
    query = {
        parameter["name"]: parameter["schema"]
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    return {"type": "object", "properties": query, "additionalProperties": False}


def decode(sent: str, schema: JsonObject) -> Any:
    """Read a bracketed form the way the schema wants it."""
    tree: JsonObject = {}
    for name, value in parse_qsl(sent, keep_blank_values=True):
        branch = tree
        *path, last = re.findall(r"[^\[\]]+", name)
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return _typed(tree, schema)


def _typed(raw: Any, schema: JsonObject) -> Any:
    schema = _fitting(raw, schema)
    kind = schema.get("type")
    if isinstance(raw, dict) and kind == "array":
        return [_typed(value, schema["items"]) for value in raw.values()]
    if isinstance(raw, dict):
        inside = schema.get("properties", {})
        rest = schema.get("additionalProperties") or {}
        return {
            name: _typed(value, inside.get(name, rest)) for name, value in raw.items()
        }
    if kind == "integer" and re.fullmatch(r"-?\d+", raw):
        return int(raw)
    if kind == "boolean" and raw in ("true", "false"):
        return bool(raw == "true")
    return raw


def _fitting(raw: Any, schema: JsonObject) -> JsonObject:
    """Of several schemas, take the one of the value's form."""
    nested = ("object", "array")
    options: list[JsonObject] = schema.get("anyOf", [schema])
    for option in options:
        if (option.get("type") in nested) == isinstance(raw, dict):
            return option
    return options[0]


def _closed(value: Any) -> Any:
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {name: _closed(item) for name, item in value.items()}
    if str(value.get("description", "")).startswith("Not carried"):
        return closed  # only id and object of these are described
    if isinstance(closed.get("properties"), dict) and "type" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
