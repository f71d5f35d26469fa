"""The languages of the shop: which one is spoken now, and our sentences in it.

Sentences stand in the code and templates in English, marked by `_()`; their other
languages stand in `translations/`. What is sold brings its own words (catalog).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import get_global
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

# By their own names: who looks for one cannot read the others.
LANGUAGES = {"en": "English", "es": "Español", "pt": "Português"}
# What Babel and Stripe are told where the shop's own locale says nothing closer.
LOCALES = {"en": "en", "es": "es", "pt": "pt-PT"}
FOLDER = Path(__file__).parent / "translations"

_spoken: ContextVar[str] = ContextVar("spoken", default="en")


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Have everything inside written as people of that locale (BCP 47) do."""
    before = _spoken.set(locale)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken_locale() -> str:
    """Give the locale that is spoken now, like pt-PT."""
    return _spoken.get()


def spoken_language() -> str:
    """Give the language that our sentences are in now: a key of LANGUAGES."""
    return language_of(spoken_locale())


def spoken_territory() -> str:
    """Give the locale with a territory, as messengers want it: en_US, pt_PT."""
    locale = Locale.parse(spoken_locale(), sep="-")
    likely = get_global("likely_subtags").get(locale.language, locale.language)
    territory = locale.territory or likely.rpartition("_")[2]
    return f"{locale.language}_{territory}"


def language_of(locale: str) -> str:
    """Give the language of ours that comes closest: pt-BR is pt, what we lack is en."""
    language = locale.partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


def locale_in(language: str, shop_locale: str) -> str:
    """Give the locale for a language: the shop's own where it is of that language."""
    same = language_of(shop_locale) == language
    return shop_locale if same else LOCALES[language]


def gettext(sentence: str, /, **values: object) -> str:
    """Give a sentence in the language that is spoken, with its values filled in."""
    said = _sentences(spoken_language()).gettext(sentence)
    return said % values if values else said


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """Give the sentence that fits a number, which it may name as %(num)s."""
    return plural(one, many, n) % {"num": n, **values}


def plural(one: str, many: str, n: int, /) -> str:
    """Give the sentence that fits a number, its values still to be filled in."""
    return _sentences(spoken_language()).ngettext(one, many, n)


def later(sentence: str) -> str:
    """Mark a sentence for translation that is said in another place."""
    return sentence


@cache
def _sentences(language: str) -> NullTranslations:
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    # Read as it is written: nothing to compile, nothing that can be stale.
    with path.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
