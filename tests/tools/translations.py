"""Gather the sentences of code and templates into the translations of each language.

What is there already stays, what nobody says any more goes, what is new waits empty.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from storefront.languages import FOLDER, LANGUAGES

ROOT = Path(__file__).parents[2]
# The demo's own pages stand in for those of others, and stay English.
METHODS = [("demo/**", "ignore"), ("**.py", "python"), ("templates/**", "jinja2")]
OPTIONS = {"templates/**": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "later": None}
# Nothing that changes by itself: no dates, no names of tools.
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""
OTHERS = [language for language in LANGUAGES if language != "en"]


def gather() -> Catalog:
    """Give all that is said, in English."""
    catalog = Catalog()
    found = extract_from_dir(ROOT / "storefront", METHODS, OPTIONS, KEYWORDS)
    for _file, _line, message, _comments, _context in found:
        catalog.add(message)
    return catalog


def path_of(language: str) -> Path:
    """Give the file of a language."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Give the translations of a language as they stand."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def renewed(language: str, said: Catalog) -> bytes:
    """Give the file of a language with just those sentences that are said."""
    catalog = read(language)
    catalog.update(said, no_fuzzy_matching=True)
    body = BytesIO()
    write_po(
        body,
        catalog,
        width=88,
        no_location=True,
        omit_header=True,
        sort_output=True,
        ignore_obsolete=True,
    )
    header = HEADER.format(language=language, plural_forms=catalog.plural_forms)
    return header.encode() + body.getvalue()


def main() -> None:
    """Write the files, and say what still has to be translated."""
    said = gather()
    for language in OTHERS:
        path = path_of(language)
        content = renewed(language, said)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        for message in read(language):
            if message.id and not all(texts(message.string)):
                print(f"{language}: to be translated: {texts(message.id)[0]}")  # noqa: T201


def texts(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Give a sentence, or its singular and plural."""
    return (text,) if isinstance(text, str) else tuple(text)


if __name__ == "__main__":
    main()
