"""Stripe's form encoding: `a[b][0]=v` becomes nested dicts, read by `parameters`.

Lists stay dicts with digits as keys here: only the parameter's kind tells a list from
metadata whose keys happen to be digits.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from .errors import ApiError

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PART = re.compile(r"\[([^\[\]]*)\]")
Pairs = list[tuple[str, str]]


def read_pairs(encoded: bytes) -> Pairs:
    """Split an encoded body or query into its pairs.

    :raises ApiError: it is not form encoding in UTF-8 (400)
    """
    try:
        return parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=10_000,
        )
    except ValueError as error:
        raise ApiError(
            "Invalid request: the body is not form-encoded UTF-8."
        ) from error


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build nested dicts from pairs with brackets in their names.

    :raises ApiError: a name cannot be read, or is a value and a branch at once (400)
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _plant(tree, _path(name), name, value)
    return tree


def _path(name: str) -> list[str]:
    found = KEY.fullmatch(name)
    if not found:
        raise ApiError(f"Invalid request: cannot read the parameter name {name!r}.")
    return [found[1], *PART.findall(found[2])]


def _plant(tree: dict[str, Any], path: list[str], name: str, value: str) -> None:
    for part in path[:-1]:
        branch = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(branch, dict):
            raise ApiError(f"Invalid request: {name} is a value and a branch at once.")
        tree = branch
    last = path[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise ApiError(f"Invalid request: {name} is a value and a branch at once.")
    tree[last] = value
