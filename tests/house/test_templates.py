"""Templates and static files: nothing inline, nothing foreign, nothing unused."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from jinja2.meta import find_referenced_templates

from storefront.letters.models import LetterKind
from tests.house.tree import ROOT, modules

FOLDER = ROOT / "storefront" / "templates"
STATIC = ROOT / "storefront" / "static"
ALL = {
    path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
    for path in sorted(FOLDER.rglob("*"))
    if path.is_file()
}
PAGES = {name: text for name, text in ALL.items() if name.endswith(".html")}
# A letter's frame holds its styles, which are written inline before it is sent.
SHOWN = {name: text for name, text in PAGES.items() if not name.startswith("letters/")}
FRAGMENTS = {
    name: text
    for name, text in PAGES.items()
    if Path(name).name.startswith("_") and "<!DOCTYPE" not in text
}
PARSER = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
PARSED = {name: PARSER.parse(text) for name, text in ALL.items()}


class Reader(HTMLParser):
    """Collect the tags of a page, with their attributes and what stands inside."""

    def __init__(self, text: str) -> None:
        """Read a template's HTML, its own marks taken away."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.S))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag."""
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep the text of scripts and styles."""
        if self._open and self._open[-1] in ("script", "style") and data.strip():
            self.inside.append((self._open[-1], data))


def each(texts: dict[str, str]) -> pytest.MarkDecorator:
    """Run a test for each template."""
    return pytest.mark.parametrize("name", texts)


# What the browser's policy would block


@each(SHOWN)
def test_no_page_holds_script_or_style_of_its_own(name: str) -> None:
    assert Reader(PAGES[name]).inside == []


@each(PAGES)
def test_no_tag_has_a_style_or_a_handler(name: str) -> None:
    wrong = [
        (tag, attribute)
        for tag, attributes in Reader(PAGES[name]).tags
        for attribute in attributes
        if attribute == "style" or re.match(r"on|(data-)?hx-on", attribute)
    ]
    assert wrong == []


@each(PAGES)
def test_no_letter_or_page_runs_a_script_of_others(name: str) -> None:
    scripts = [tag for tag in Reader(PAGES[name]).tags if tag[0] == "script"]
    data = {"type": "application/ld+json"}
    runs = [attributes for _, attributes in scripts if attributes != data]
    assert all(set(attributes) <= {"src", "defer", "data-later"} for attributes in runs)
    assert not (scripts and name.startswith("letters/"))


@each(PAGES)
def test_no_tag_brings_in_a_foreign_thing(name: str) -> None:
    tags = {tag for tag, _ in Reader(PAGES[name]).tags}
    assert not tags & {"iframe", "object", "embed", "base", "applet", "frame"}


@each(ALL)
def test_no_template_names_a_foreign_address(name: str) -> None:
    # wa.me is written by the filter, Stripe's page comes from Stripe.
    text = ALL[name].replace("http://www.w3.org/2000/svg", "")
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text)
    assert [one for one in addresses if not one.startswith("https://wa.me/")] == []


@pytest.mark.parametrize(
    "path", [p for p in STATIC.rglob("*") if p.suffix in (".css", ".js", ".svg")]
)
def test_no_static_file_names_a_foreign_address(path: Path) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?://|url\(\s*['\"]?//|@import", text) == []


@pytest.mark.parametrize("path", list(STATIC.rglob("*.js")))
def test_no_script_makes_code_or_markup_from_text(path: Path) -> None:
    wrong = r"\beval\b|new Function|innerHTML|outerHTML|document\.write|insertAdjacent"
    assert re.findall(wrong, path.read_text("utf-8")) == []


# What a customer typed stays text


@each(ALL)
def test_no_template_trusts_what_it_is_given(name: str) -> None:
    filters = {one.name for one in PARSED[name].find_all(nodes.Filter)}
    assert not filters & {"safe", "forceescape"}
    assert not list(PARSED[name].find_all(nodes.EvalContextModifier))


def test_no_code_makes_markup_of_strings() -> None:
    wrong = [
        f"{module.path}:{node.lineno}"
        for module in modules("storefront")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr)
        in ("Markup", "render_template_string")
    ]
    assert wrong == []


@each(PAGES)
def test_every_attribute_stands_in_quotes(name: str) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", PAGES[name], flags=re.S)
    text = re.sub(r"\{\{.*?\}\}", "X", text, flags=re.S)
    for tag in re.findall(r"<\w[^<>]*>", text):
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", '""', tag)
        assert not re.search(r"=\s*[^\"\s]", bare), tag


# Pages


@each({name: text for name, text in SHOWN.items() if "<form" in text})
def test_every_form_that_posts_carries_a_token(name: str) -> None:
    for form in re.findall(r"<form.*?</form>", SHOWN[name], flags=re.S):
        if 'method="post"' in form:
            assert 'name="csrf_token"' in form
        # Pages work without JavaScript: an address stands beside every hx-.
        assert 'action="' in form


@each(SHOWN)
def test_what_htmx_fetches_can_be_had_without_it(name: str) -> None:
    for tag, attributes in Reader(SHOWN[name]).tags:
        if tag in ("a", "form") and any(one.startswith("hx-") for one in attributes):
            assert {"href", "action"} & set(attributes)


@each(FRAGMENTS)
def test_the_root_of_a_fragment_bears_its_name(name: str) -> None:
    _, attributes = Reader(FRAGMENTS[name]).tags[0]
    assert attributes.get("id") == Path(name).stem.removeprefix("_")


@each(PAGES)
def test_no_id_stands_twice_in_a_template(name: str) -> None:
    # Written by a name alone; the branches of an if are told apart by the eye.
    ids = re.findall(r"\sid=\"([\w-]+)\"", PAGES[name])
    assert sorted(ids) == sorted(set(ids))


@each({name: text for name, text in SHOWN.items() if "<!DOCTYPE" in text})
def test_every_page_says_its_language_charset_and_title(name: str) -> None:
    tags = dict(Reader(SHOWN[name]).tags)
    assert "lang" in tags["html"]
    assert "title" in tags
    assert '<meta charset="utf-8">' in SHOWN[name]


def test_htmx_may_neither_evaluate_nor_leave() -> None:
    (config,) = re.findall(r"htmx-config\"\s+content='([^']+)'", ALL["base.html"])
    for rule in (
        '"allowEval":false',
        '"allowScriptTags":false',
        '"selfRequestsOnly":true',
        '"includeIndicatorStyles":false',
        '"historyCacheSize":0',
    ):
        assert rule in config


# Nothing is there for nothing


def spoken() -> set[str]:
    """Give all texts in the code, the pieces of composed ones too."""
    return {
        node.value
        for module in modules("storefront")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_template_is_shown_by_something() -> None:
    words = spoken()
    used = {one for tree in PARSED.values() for one in find_referenced_templates(tree)}
    used |= {
        f"letters/{kind.value}{ending}"
        for kind in LetterKind
        for ending in (".subject.txt", ".txt", ".html")
    }
    used |= {name for name in ALL if name in words}
    used |= {
        name
        for name in ALL
        for folder, _, last in [name.rpartition("/")]
        if last in words and f"{folder}/" in words
    }
    assert set(ALL) - used == set()


def test_every_template_that_is_named_exists() -> None:
    named = {one for tree in PARSED.values() for one in find_referenced_templates(tree)}
    named |= {
        word
        for module in modules("storefront")
        if not module.is_demo
        for word in re.findall(r'"([a-z_]+/[a-z_.]+\.(?:html|txt))"', module.source)
    }
    # Pictures are named after products, and stand with their theme.
    assert named - set(ALL) == {None}


def test_each_letter_has_its_three_templates() -> None:
    for kind in LetterKind:
        for ending in (".subject.txt", ".txt", ".html"):
            assert f"letters/{kind.value}{ending}" in ALL


def names_in(tree: nodes.Template) -> list[str]:
    """Give the names that a template reads."""
    return [one.name for one in tree.find_all(nodes.Name) if one.ctx == "load"]


def test_every_macro_is_used() -> None:
    macros = {
        (name, macro.name)
        for name, tree in PARSED.items()
        for macro in tree.find_all(nodes.Macro)
    }
    used = {
        (name, macro) for name, tree in PARSED.items() for macro in names_in(tree)
    } | {
        (one.template.value, part if isinstance(part, str) else part[0])
        for tree in PARSED.values()
        for one in tree.find_all(nodes.FromImport)
        if isinstance(one.template, nodes.Const)
        for part in one.names
    }
    assert macros - used == set()


@each(ALL)
def test_everything_imported_by_a_template_is_used(name: str) -> None:
    imported = {
        part if isinstance(part, str) else part[1]
        for one in PARSED[name].find_all(nodes.FromImport)
        for part in one.names
    }
    assert imported - set(names_in(PARSED[name])) == set()


def test_every_static_file_is_used() -> None:
    texts = "\n".join(
        [*ALL.values()]
        + [path.read_text("utf-8") for path in STATIC.rglob("*.css")]
        + [path.read_text("utf-8") for path in STATIC.rglob("*.js")]
        + [module.source for module in modules("storefront")]
    )
    # A theme's drawings are what its pictures are made of.
    names = [
        path.relative_to(STATIC).as_posix()
        for path in STATIC.rglob("*")
        if path.is_file() and path.parent.name != "pictures" and path.name != "icon.svg"
    ]
    unused = [one for one in names if one not in texts and Path(one).name not in texts]
    assert unused == []
