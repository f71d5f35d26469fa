"""All single changes that mutmut's operators make to a file, without the idle ones."""

import ast
import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

# What no change can make wrong: types, and what is written for people alone. Failpoints
# do nothing in production, and the flags of a dataclass only hinder us in mistakes.
SILENT = (
    m.Annotation()
    | m.Import()
    | m.ImportFrom()
    | m.Expr(value=m.SimpleString() | m.ConcatenatedString())
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Call(func=m.Name("TypeVar") | m.Name("cast") | m.Name("reach"))
    | m.Call(func=m.Attribute(value=m.Attribute(attr=m.Name("logger"))))
    | m.Call(func=m.Name("_") | m.Name("later"), args=[m.DoNotCare()])
    | m.Decorator(decorator=m.Call(func=m.Name("dataclass")))
)


@dataclass(frozen=True)
class Mutation:
    """One change to one file.

    `lines`: those of the statement that is changed.
    """

    file: str
    lines: range
    module: cst.Module
    node: cst.CSTNode
    changed: cst.CSTNode

    @cached_property
    def text(self) -> str:
        """Give the whole file with the change."""
        changed = self.module.deep_replace(self.node, self.changed)
        return cst.ensure_type(changed, cst.Module).code

    @cached_property
    def diff(self) -> str:
        """Give the lines that went and came."""
        before, after = self.module.code.splitlines(), self.text.splitlines()
        # Whole files take it seconds: what both begin and end with is left out.
        start = _shared(before, after)
        end = _shared(before[start:][::-1], after[start:][::-1])
        lines = difflib.ndiff(
            before[start : len(before) - end], after[start : len(after) - end]
        )
        return "\n".join(line for line in lines if line[0] in "-+")

    def is_idle(self) -> bool:
        """Tell a change of nothing, or to what is no Python."""
        if self.text == self.module.code:
            return True
        try:
            compile(self.text, self.file, "exec")
        except SyntaxError:
            return True
        return False


def list_mutations(root: Path, file: str) -> list[Mutation]:
    """Give every change to a file."""
    source = (root / file).read_text("utf-8")
    statements = _statements(source)
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Changes()
    wrapper.visit(visitor)
    return [
        Mutation(file, statements[line], wrapper.module, node, changed)
        for line, node, changed in visitor.found
    ]


class _Changes(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collect what the operators make of a node; leave out the silent ones."""
        if m.matches(node, SILENT) or _is_sentence(node):
            return False
        place = self.get_metadata(PositionProvider, node, None)
        for kind, operator in mutation_operators:
            if place and isinstance(node, kind):
                for changed in operator(node):
                    self.found.append((place.start.line, node, changed))
        return True


def _shared(one: list[str], other: list[str]) -> int:
    """Count the lines that both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    shortest = min(len(one), len(other))
    return next((place for place, (a, b) in pairs if a != b), shortest)


def _is_sentence(node: cst.CSTNode) -> bool:
    """Tell text for people, whose wording is nobody's promise."""
    if not isinstance(node, cst.SimpleString):
        return False
    text = node.value.strip("\"'")
    return " " in text and text.endswith(".")


def _statements(source: str) -> dict[int, range]:
    """Give the lines of the innermost statement around each; of blocks the head's."""
    found: dict[int, range] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt):
            continue
        body: list[ast.stmt] = getattr(node, "body", [])
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(one.lineno for one in decorators)])
        last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
        lines = range(first, max(last, node.lineno) + 1)
        # Outer ones come first, and give way.
        found.update(dict.fromkeys(lines, lines))
    return found
