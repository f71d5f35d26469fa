"""A text as it is written: front lines in TOML, then Markdown with facts left open.

Markdown becomes a tree, and a template makes the page of it: what stands in a text is
never markup.
"""

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, cast

import mistune
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from storefront.errors import StorefrontError

# Each with a page of that name.
PAGES = ("terms", "cancellation", "privacy", "imprint")
# `consent`: one paragraph, ticked before a file is delivered.
NAMES = (*PAGES, "faq", "consent")
# What a text may leave open, as {legal_name}.
FACTS = frozenset({"shop_name", "legal_name", "address", "tax_id", "email"})
OPEN = re.compile(r"\{(\w+)\}")
FENCE = "+++\n"

Node = dict[str, Any]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class TextInvalid(StorefrontError):
    """A text cannot be used; the sentence names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in one language; `version` is what a consent refers to."""

    name: str
    language: str
    title: str
    summary: str
    version: str
    date: datetime.date
    body: str


class _FrontLines(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Words
    summary: Words
    version: Words
    date: datetime.date


def read_text(folder: Path, language: str, name: str) -> Text:
    """Read folder/language/name.md.

    :raises TextInvalid: if it is not there, or not as a text has to be.
    """
    path = folder / language / f"{name}.md"
    try:
        front, body = _parts(path.read_text("utf-8"))
        lines = _FrontLines.model_validate(tomllib.loads(front))
    except (OSError, UnicodeDecodeError) as error:
        raise TextInvalid(f"{path} cannot be read.") from error
    except ValidationError as error:
        fields = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise TextInvalid(f"{path}: its front lines are wrong in: {fields}.") from error
    except ValueError as error:
        raise TextInvalid(f"{path}: {error}.") from error
    if name == "consent" and (OPEN.search(body) or "\n\n" in body):
        raise TextInvalid(f"{path}: a consent is one paragraph of plain words.")
    unknown = set(OPEN.findall(body)) - FACTS
    if unknown:
        raise TextInvalid(
            f"{path}: nothing fills {{{min(unknown)}}}; there are "
            + ", ".join(f"{{{fact}}}" for fact in sorted(FACTS))
            + "."
        )
    return Text(name=name, language=language, body=body, **lines.model_dump())


def _parts(source: str) -> tuple[str, str]:
    before, *rest = source.replace("\r\n", "\n").split(FENCE, 2)
    if before or len(rest) < 2 or not rest[1].strip():
        raise ValueError("it needs +++, title, version and date, +++, and words")
    return rest[0], rest[1].strip()


def fill(text: Text, facts: Mapping[str, str]) -> list[Node]:
    """Put the shop's facts, given as Markdown, into a text; give its tree."""
    return _parse(OPEN.sub(lambda match: facts[match[1]], text.body))


def as_markdown(words: str) -> str:
    """Write plain words so that Markdown takes them as they are, line by line."""
    lines = (re.sub(r"([^\w\s])", r"\\\1", line.strip()) for line in words.splitlines())
    return "\\\n".join(filter(None, lines))


@lru_cache(maxsize=64)
def _parse(markdown: str) -> list[Node]:
    # Without a renderer: the tree itself.
    tree = mistune.create_markdown(renderer=None)
    return [node for node in cast(list[Node], tree(markdown)) if node["type"] in SHOWN]


SHOWN = frozenset({"heading", "paragraph", "list", "block_quote"})
