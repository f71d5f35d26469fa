"""Every sentence is told in every language, and none stands bare."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog
from jinja2 import nodes

from tests.house.test_templates import ALL, PARSED, PARSER
from tests.house.tree import Module, modules
from tests.tools.translations import OTHERS, gather, path_of, read, renewed, texts

# Names, and what is called the same everywhere.
NAMES = re.compile(r"\b(WhatsApp|Stripe|PDF|GET)\b")
# Styles that a template names in passing; the language says nothing of them.
STYLES = {"button quiet"}
# Attributes that people hear or read, and metas that only machines do.
READ_OUT = {"aria-label", "aria-description", "alt", "title", "placeholder"}
FOR_MACHINES = re.compile(
    r"viewport|(supported-)?color-schemes?|theme-color|robots|htmx-config|refresh"
    r"|format-detection|og:(type|url|locale|image(:width|:height|:type)?)|twitter:card"
)
# The guide for those who build is in English.
FOR_BUILDERS = re.compile(r"styleguide/.*")
# What Stripe is told, the owner's command line and the description for programs.
IN_ENGLISH = (
    "storefront/webhooks/",
    "storefront/cli.py",
    "storefront/demo/",
    "storefront/styleguide/",
)
SAYERS = {"problem", "error_page", "FieldError"}


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """Give each sentence with its translation; a plural is two of them."""
    for message in read(language):
        if message.id:
            yield from zip(texts(message.id), texts(message.string), strict=True)


def marks(sentence: str) -> list[str]:
    """Give what has to be in a sentence in any language: values, tags, percents."""
    return sorted(re.findall(r"%\(\w+\)[sd]|%%|</?\w[^>]*>", sentence))


def ending(sentence: str) -> str:
    """Give how a sentence ends, and whether it begins or ends with a blank."""
    found = re.search(r"^(\s?).*?([.,:;?!…]?)(\s?)$", sentence, re.S)
    return "|".join(found.groups()) if found else ""


@pytest.fixture(scope="module")
def said() -> Catalog:
    """Give all that is said in templates and code."""
    return gather()


@pytest.mark.parametrize("language", OTHERS)
def test_the_files_are_as_make_translations_writes_them(
    said: Catalog, language: str
) -> None:
    assert path_of(language).read_bytes() == renewed(language, said)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language: str) -> None:
    assert [sentence for sentence, said in pairs(language) if not said] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_a_guess(language: str) -> None:
    assert [message.id for message in read(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_holds_the_same_values_and_tags(language: str) -> None:
    wrong = [said for told, said in pairs(language) if marks(told) != marks(said)]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_ends_as_its_sentence_does(language: str) -> None:
    wrong = [said for told, said in pairs(language) if ending(told) != ending(said)]
    assert wrong == []


# Bare sentences


class Text(HTMLParser):
    """Collect what people read or hear of a template."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.found: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the attributes that are read out."""
        given = {name: value or "" for name, value in attrs}
        self._hidden = tag if tag in ("script", "style") else ""
        self.found += [value for name, value in given.items() if name in READ_OUT]
        kind = next(
            (given[n] for n in ("name", "property", "http-equiv") if n in given), ""
        )
        if tag == "meta" and not FOR_MACHINES.fullmatch(kind):
            self.found.append(given.get("content", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave scripts and styles."""
        self._hidden = "" if tag == self._hidden else self._hidden

    def handle_data(self, data: str) -> None:
        """Keep text."""
        if not self._hidden:
            # A macro may give attributes alone.
            self.found.append(re.sub(r'[\w-]+="[^"]*"', "", data))


def bare_data(name: str, tree: nodes.Template) -> list[str]:
    """Give the text of a template that stands outside of `_()` and trans."""
    data = "".join(one.data for one in tree.find_all(nodes.TemplateData))
    if name.endswith(".txt"):
        return [line for line in data.splitlines() if has_words(line)]
    text = Text()
    text.feed(data)
    return [one.strip() for one in text.found if has_words(one)]


def bare_strings(node: nodes.Node) -> Iterator[str]:
    """Give the strings of a template's expressions that look like sentences."""
    if isinstance(
        node, nodes.FromImport | nodes.Import | nodes.Extends | nodes.Include
    ):
        return
    if isinstance(node, nodes.Const) and is_sentence(node.value):
        yield node.value
    for child in node.iter_child_nodes():
        if not (says(node) and isinstance(child, nodes.Const)):
            yield from bare_strings(child)


def says(node: nodes.Node) -> bool:
    """Tell whether this looks a sentence up."""
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name in ("_", "gettext", "ngettext")
    )


def has_words(text: str) -> bool:
    """Tell whether there is anything to translate."""
    return bool(re.search(r"[^\W\d_]", NAMES.sub("", text)))


def is_sentence(value: object) -> bool:
    """Tell a sentence, or its piece, from a key, an id or an address."""
    if not isinstance(value, str) or value in STYLES or not has_words(value):
        return False
    return bool(re.search(r"^\s*[A-ZÁÉÍÓÚ]|[?!]\s*$|\w\W*\s\W*\w", value))


@pytest.mark.parametrize(
    "name", [one for one in ALL if not FOR_BUILDERS.fullmatch(one)]
)
def test_no_template_says_anything_bare(name: str) -> None:
    tree = PARSED[name]
    assert [*bare_data(name, tree), *bare_strings(tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Pay now</p>",
        '<img alt="A moon">',
        '<meta name="description" content="Sessions">',
        '{{ pay(order, "Pay now") }}',
        '{{ "Error: " if wrong }}',
        '{{ whatsapp("Hello " ~ shop) }}',
        "<p>Ask on WhatsApp</p>",
    ],
)
def test_a_bare_sentence_is_noticed(source: str) -> None:
    tree = PARSER.parse(source)
    assert [*bare_data("x.html", tree), *bare_strings(tree)]


@pytest.mark.parametrize(
    "source",
    [
        "<p>{% trans %}Pay now{% endtrans %}</p>",
        '<p class="Big" id="x">{{ _("Pay now") }} · 2, WhatsApp</p>',
        '{% include "catalog/_moons.html" %}{{ url_for("catalog.index") }}',
        "{{ ngettext('%(num)s minute', '%(num)s minutes', n) }}",
        "<style>p { color: red }</style>",
    ],
)
def test_what_is_marked_or_no_language_is_left_alone(source: str) -> None:
    tree = PARSER.parse(source)
    assert [*bare_data("x.html", tree), *bare_strings(tree)] == []


def said_bare(module: Module) -> Iterator[str]:
    """Give the sentences that a module answers people with, unmarked."""
    for call in ast.walk(module.tree):
        if isinstance(call, ast.Call) and name_of(call) in SAYERS:
            for value in [*call.args, *(one.value for one in call.keywords)]:
                yield from (
                    f"{module.path}:{call.lineno}: {text}" for text in unmarked(value)
                )


def unmarked(node: ast.AST) -> Iterator[str]:
    """Give the sentences in an expression that no `_()` stands around."""
    if isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and " " in str(node.value):
        yield str(node.value)
    # The names of fields are no sentences, what is said of them is.
    for child in (
        node.values if isinstance(node, ast.Dict) else ast.iter_child_nodes(node)
    ):
        yield from unmarked(child)


def name_of(call: ast.Call) -> str:
    """Give the name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_no_code_says_anything_bare() -> None:
    told = [one for one in modules("storefront") if not one.path.startswith(IN_ENGLISH)]
    assert [line for module in told for line in said_bare(module)] == []
