"""The tree as data: modules with their syntax, and who imports whom."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One thing that a module imports, by its full name; late if inside a function."""

    target: str
    line: int
    is_late: bool


@dataclass(frozen=True)
class Module:
    """A source file, by its path from the root of the checkout."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        """Give its syntax."""
        return ast.parse(self.source, self.path)

    @property
    def name(self) -> str:
        """Give its dotted name."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str:
        """Give the part of the shop that it belongs to: a folder, or itself."""
        return part_of(self.name)

    @property
    def is_demo(self) -> bool:
        """Tell whether it is of the guest, whom the shop's rules do not bind."""
        return self.part == "demo"

    def imports(self) -> Iterator[Import]:
        """Give what it imports, a name of a module as that module."""
        top = set(self.tree.body)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    yield Import(one.name, node.lineno, node not in top)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                for one in node.names:
                    target = f"{origin}.{one.name}"
                    yield Import(target, node.lineno, node not in top)

    def _origin(self, node: ast.ImportFrom) -> str:
        """Give the full name of what `from` names, dots in front or not."""
        if not node.level:
            return node.module or ""
        folder = PurePosixPath(self.path).parts[: -node.level]
        return ".".join([*folder, *([node.module] if node.module else [])])

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Give all functions with the name of the class, if any, before theirs."""
        for node in ast.walk(self.tree):
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, Function):
                    owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                    yield owner + inner.name, inner


def part_of(name: str) -> str:
    """Give the part that a dotted name of the shop belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Read all modules below these folders; a name of a file gives that one."""
    paths = [
        path
        for folder in folders
        for path in ([ROOT / folder] if folder.endswith(".py") else _below(folder))
    ]
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        for path in paths
    )


def _below(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))
