"""Which tests run which line, and how long each takes: measured once a commit."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coverage import CoverageData

# Left out: what drives a browser, starts processes of its own, or searches at random.
TESTS = ("tests/unit", "tests/integration", "tests/faults/test_permutations.py")
OPTIONS = (
    *("-q", "-n", "2", "--dist", "loadfile", "-p", "tests.tools.chosen_tests"),
    *("--cov", "--cov-context=test", "--cov-report="),
)
# The models are held against the migrations here; no coverage shows that.
MODELS = ("tests/house/test_migrations.py", "tests/house/test_models.py")


@dataclass(frozen=True)
class Touched:
    """The tests by the lines that they run."""

    root: Path
    folder: Path

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Give how long each test took."""
        times: dict[str, float] = json.loads((self.folder / "seconds.json").read_text())
        return times

    @cached_property
    def _data(self) -> CoverageData:
        data = CoverageData(str(self.folder / "coverage"))
        data.read()
        return data

    def tests_of(self, file: str, lines: Iterable[int], most: float) -> list[str]:
        """Give tests that run any of the lines, the quickest first; or none.

        A line that is run at import is tried by the tests of its file, then by those
        of its package, and for longer: few of them may be about this line.

        :param most: what part of the time of all tests they may take.
        """
        contexts = self._contexts(file, lines)
        names = self._in_turn(contexts)
        if not names and "" in contexts:
            most *= 2
            package = sorted((self.root / file).parent.glob("*.py"))
            around = [str(path.relative_to(self.root)) for path in package]
            names = [name for name in self.seconds if name.startswith(MODELS)]
            for one in [file, *around]:
                names += self._in_turn(self._contexts(one))
        return list(
            self._within(dict.fromkeys(names), most * sum(self.seconds.values()))
        )

    def _contexts(self, file: str, lines: Iterable[int] | None = None) -> set[str]:
        """Give what ran the lines of a file, all or some: tests; "" is an import."""
        known = self._data.contexts_by_lineno(str(self.root / file))
        wanted = known if lines is None else lines
        contexts = {context for line in wanted for context in known.get(line, [])}
        return {context.rpartition("|")[0] for context in contexts}

    def _in_turn(self, names: Iterable[str]) -> list[str]:
        """Order tests by speed, each file of them having as much time as another."""
        known = self.seconds.keys() & set(names)
        spent: defaultdict[str, float] = defaultdict(float)
        begins = {}
        for name in sorted(known, key=lambda name: (self.seconds[name], name)):
            file = name.partition("::")[0]
            begins[name] = spent[file]
            spent[file] += self.seconds[name]
        return sorted(begins, key=begins.__getitem__)

    def _within(self, names: Iterable[str], most_seconds: float) -> Iterator[str]:
        spent = 0.0
        for name in names:
            spent += self.seconds[name]
            if spent < most_seconds:
                yield name


def measure(root: Path, folder: Path) -> Touched:
    """Run the tests once with coverage, unless that was done for this commit."""
    if not (folder / "seconds.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        answer = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *TESTS, *MODELS],
            cwd=root,
            env={
                **os.environ,
                # The one that knows contexts, whatever the interpreter.
                "COVERAGE_CORE": "ctrace",
                "COVERAGE_FILE": str(folder / "coverage"),
                "TEST_SECONDS": str(folder / "seconds.new"),
                "PERMUTATIONS": "10",
            },
            check=False,
        )
        # What fails as it is cannot catch anything, and was not written down.
        if answer.returncode > 1:
            raise SystemExit("The tests did not run.")
        (folder / "seconds.new").rename(folder / "seconds.json")
    return Touched(root, folder)
