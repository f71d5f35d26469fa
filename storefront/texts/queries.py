"""Looking texts up: the studio's own, or those that come with the shop."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from storefront.extensions import db
from storefront.texts.models import OwnText
from storefront.texts.reading import Node, Text, fill, read_text

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer, both as trees."""

    asked: list[Node]
    answer: list[Node]


def find_text(name: str, language: str) -> Text:
    """Find a text: what the studio has written, else what comes with the shop."""
    own = db.session.get(OwnText, (name, language))
    if own is None:
        return _enclosed(name, language)
    return Text(**{field.name: getattr(own, field.name) for field in fields(Text)})


def list_questions(language: str, facts: Mapping[str, str]) -> list[Question]:
    """List the questions that people ask: each heading with what follows it."""
    questions: list[Question] = []
    for node in fill(find_text("faq", language), facts):
        if node["type"] == "heading":
            questions.append(Question(node["children"], []))
        elif questions:
            questions[-1].answer.append(node)
    return questions


@lru_cache(maxsize=64)
def _enclosed(name: str, language: str) -> Text:
    return read_text(FOLDER, language, name)
