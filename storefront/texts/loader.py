"""Taking over the texts that a studio has written itself."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import delete

from storefront.extensions import db
from storefront.texts.models import OwnText
from storefront.texts.reading import NAMES, Text, TextInvalid, read_text


def read_texts(folder: Path, languages: Sequence[str]) -> list[Text]:
    """Read a studio's texts: any of NAMES, but each in all languages of the shop.

    :raises TextInvalid: with the file and what is wrong with it.
    """
    written = {path.stem for path in folder.glob("*/*.md")}
    if not written:
        raise TextInvalid(f"{folder} holds no texts, like {languages[0]}/terms.md.")
    if unknown := written - set(NAMES):
        raise TextInvalid(
            f"{folder}: {min(unknown)}.md is none of the shop's texts; they are "
            f"{', '.join(NAMES)}."
        )
    return [
        read_text(folder, language, name)
        for name in sorted(written)
        for language in languages
    ]


def keep_texts(texts: Iterable[Text]) -> None:
    """Make these the studio's own texts, and no others.

    Transaction: the caller's. Safe to repeat.
    """
    db.session.execute(delete(OwnText))
    db.session.add_all(OwnText(**asdict(text)) for text in texts)
