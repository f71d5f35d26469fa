"""Kinds of parameters: each reads what the decoding gave, or refuses it as Stripe does.

An empty string means "not given", as in Stripe's own encoding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .errors import (
    not_emulated,
    parameter_invalid,
    parameter_missing,
    parameter_unknown,
)

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
# Stripe: Metadata (docs api/metadata): 50 keys of 40 characters, values of 500.
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500


class Kind(Protocol):
    """What one parameter may hold."""

    def read(self, _raw: Any, _param: str, /) -> Any:
        """Give the value as a program wants it, or raise ApiError (400)."""


@dataclass(frozen=True)
class Text:
    """A string, of limited length where Stripe limits it."""

    limit: int | None = None

    def read(self, raw: Any, param: str) -> str:
        """Give the string."""
        if not isinstance(raw, str):
            raise parameter_invalid("Invalid string: {}", param)
        if self.limit is not None and len(raw) > self.limit:
            message = f"Invalid string: {raw[:20]}...; must be at most {self.limit}"
            raise parameter_invalid(f"{message} characters", param)
        return raw


@dataclass(frozen=True)
class Integer:
    """A whole number."""

    def read(self, raw: Any, param: str) -> int:
        """Give the number."""
        if not isinstance(raw, str) or not WHOLE_NUMBER.fullmatch(raw):
            code = "parameter_invalid_integer"
            raise parameter_invalid(f"Invalid integer: {raw}", param, code)
        return int(raw)


@dataclass(frozen=True)
class Truth:
    """`true` or `false`."""

    def read(self, raw: Any, param: str) -> bool:
        """Give the truth value."""
        if raw not in ("true", "false"):
            raise parameter_invalid(f"Invalid boolean: {raw}", param)
        return bool(raw == "true")


@dataclass(frozen=True)
class Off(Truth):
    """A switch that the emulator knows only as off."""

    def read(self, raw: Any, param: str) -> bool:
        """Give False."""
        if super().read(raw, param):
            raise not_emulated(f"{param}=true", param)
        return False


@dataclass(frozen=True)
class Choice:
    """One word of several; those that the emulator cannot act on are refused."""

    words: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def read(self, raw: Any, param: str) -> str:
        """Give the word."""
        if raw not in self.words:
            listed = ", ".join(self.words)
            raise parameter_invalid(f"Invalid {param}: must be one of {listed}", param)
        if raw in self.refused:
            raise not_emulated(f"{param}={raw}", param)
        return str(raw)


@dataclass(frozen=True)
class Refused:
    """A parameter of Stripe's that the emulator does not act on."""

    def read(self, _raw: Any, param: str) -> Any:
        """Refuse it rather than pass over it in silence."""
        raise not_emulated(param, param)


@dataclass(frozen=True)
class Items:
    """A list."""

    of: Kind

    def read(self, raw: Any, param: str) -> list[Any]:
        """Give the list, in the order of its indexes."""
        if not isinstance(raw, dict) or not all(key.isdecimal() for key in raw):
            raise parameter_invalid("Invalid array", param)
        ordered = sorted(raw.items(), key=lambda pair: int(pair[0]))
        return [self.of.read(value, f"{param}[{key}]") for key, value in ordered]


@dataclass(frozen=True)
class Members:
    """An object with known members."""

    kinds: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    def read(self, raw: Any, param: str = "") -> dict[str, Any]:
        """Give the members that were sent."""
        if not isinstance(raw, dict):
            raise parameter_invalid("Invalid object", param)
        given = {name: value for name, value in raw.items() if value != ""}
        for name in given:
            if name not in self.kinds:
                raise parameter_unknown(_inside(param, name), self.hints.get(name, ""))
        for name in self.required:
            if name not in given:
                raise parameter_missing(_inside(param, name))
        return {
            name: self.kinds[name].read(value, _inside(param, name))
            for name, value in given.items()
        }


@dataclass(frozen=True)
class Metadata:
    """Strings under names of the caller's; an empty value unsets (or is not set)."""

    def read(self, raw: Any, param: str) -> dict[str, str]:
        """Give the names and values, empty ones included: they unset."""
        if not isinstance(raw, dict):
            raise parameter_invalid("Invalid object", param)
        if len(raw) > METADATA_KEYS:
            message = f"Metadata can have up to {METADATA_KEYS} keys."
            raise parameter_invalid(message, param)
        for name, value in raw.items():
            _check_pair(name, value, param)
        return raw


@dataclass(frozen=True)
class Moment:
    """A moment in seconds since 1970, or a span of them (gt, gte, lt, lte)."""

    def read(self, raw: Any, param: str) -> dict[str, int]:
        """Give the span."""
        if isinstance(raw, str):
            moment = Integer().read(raw, param)
            return {"gte": moment, "lte": moment}
        return Members(dict.fromkeys(("gt", "gte", "lt", "lte"), Integer())).read(
            raw, param
        )


def _check_pair(name: str, value: Any, param: str) -> None:
    if not isinstance(value, str):
        raise parameter_invalid("Metadata values must be strings.", f"{param}[{name}]")
    if len(name) > METADATA_KEY_LENGTH:
        message = f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters"
        raise parameter_invalid(f"{message}; one has {len(name)}.", param)
    if len(value) > METADATA_VALUE_LENGTH:
        message = f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters"
        raise parameter_invalid(f"{message}; one has {len(value)}.", f"{param}[{name}]")


def _inside(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
