"""Proof that the tests see, second part: mutants made at random by a tool.

Of all changes that mutmut's operators can make to the packages below, some are picked
by a seed; the tests that run the changed lines are tried against each in a copy. What
survives is shown with the explanation from survivors.toml, where there is one.

Broken off, it goes on where it was when called again with the same seed.
"""

import argparse
import json
import random
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.tools.bench import ROOT, Bench, on_benches
from tests.tools.mutations import Mutation, list_mutations
from tests.tools.touched import Touched, measure

PACKAGES = ("orders", "checkout", "webhooks")
EXPLANATIONS = Path(__file__).with_name("survivors.toml")
PAGE = ROOT / "docs" / "mutants.md"
# Of the time that all tests take. By then a mutant counts as one that survives.
MOST = 0.2
# Beside what its tests usually take, and that many times over.
START_SECONDS, PATIENCE = 60.0, 4

HEAD = """\
# Mutants made at random

`make mutants-random` changes our own code at random, one place at a time, and runs the
tests that walk through that place: whoever breaks the shop by accident is noticed. This
page is written by `make mutants-random SEED={seed} ARGS=--write`.

The changes are those of mutmut's operators: a condition turned round, an argument left
out or `None`, another number, another word, another operator. Of {number} that can be
made in `orders/`, `checkout/` and `webhooks/`, {tried} were picked by the seed {seed}:
**{tests} were caught by tests, {types} by the checker of types, {survived} survived.**

Left out is what no change can make wrong: annotations, docstrings, imports, lines of
the log, the wording of sentences for people, failpoints, and the flags of dataclasses.
Asked were the tests in `tests/unit` and `tests/integration` alone: those with faults,
kills, searches at random and a browser come on top.
"""


@dataclass(frozen=True)
class Result:
    """What became of one mutant.

    `place`: its file and line. `test`: which caught it; `types`: what the checker of
    types said of one that no test caught.
    """

    place: str
    diff: str
    test: str | None
    types: str | None

    @property
    def survived(self) -> bool:
        """Tell whether nobody noticed."""
        return not self.test and not self.types

    @property
    def why(self) -> str | None:
        """Give the explanation that was written for this change, if it survived."""
        file = self.place.partition(":")[0]
        for one in tomllib.loads(EXPLANATIONS.read_text("utf-8"))["survivor"]:
            diffs = {diff.strip() for diff in one["diffs"]}
            if one["file"] == file and self.diff.strip() in diffs:
                return str(one["why"])
        return None


class Results:
    """What is known by now: a file, so that a run can be broken off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        known = [Result(**json.loads(line)) for line in lines]
        self._known = {(one.place, one.diff): one for one in known}

    def add(self, result: Result) -> None:
        """Keep one more."""
        self._known[result.place, result.diff] = result
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def of(self, mutation: Mutation) -> Result | None:
        """Give what became of a mutant, if it was tried."""
        return self._known.get((_place(mutation), mutation.diff))


def main() -> int:
    """Try mutants; fail where one survives that nobody has explained."""
    parser = argparse.ArgumentParser(description="Mutants made at random.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--write", action="store_true", help="into docs/mutants.md")
    asked = parser.parse_args()
    folder = ROOT / ".mutants" / _commit()
    touched = measure(ROOT, folder)
    mutations = [one for file in _files() for one in list_mutations(ROOT, file)]
    chosen = _pick(mutations, asked.count, asked.seed)
    _say(f"{len(chosen)} of {len(mutations)} mutants, seed {asked.seed}")
    results = Results(folder / f"{asked.seed}.jsonl")
    waiting = [one for one in chosen if results.of(one) is None]
    until = time.monotonic() + 60 * asked.minutes

    def deed(mutation: Mutation, bench: Bench) -> Result | None:
        return _try(mutation, touched, bench) if time.monotonic() < until else None

    for result in filter(None, on_benches(deed, waiting)):
        results.add(result)
        _say(_told(result))
    tried = [one for one in map(results.of, chosen) if one]
    survivors = [one for one in tried if one.survived]
    _say(f"{len(survivors)} of {len(tried)} survived, seed {asked.seed}")
    if asked.write and len(tried) == len(chosen):
        PAGE.write_text(_page(tried, asked.seed, len(mutations)), "utf-8")
    return 1 if any(one.why is None for one in survivors) else 0


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    answer = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def _files() -> list[str]:
    folders = [ROOT / "storefront" / package for package in PACKAGES]
    found = sorted(path for folder in folders for path in folder.glob("*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found]


def _pick(mutations: Sequence[Mutation], count: int, seed: int) -> list[Mutation]:
    """Give as many as asked for, each another change."""
    shuffled = random.Random(seed).sample(mutations, len(mutations))
    chosen: dict[tuple[str, str], Mutation] = {}
    for one in shuffled:
        if len(chosen) == count:
            break
        if not one.is_idle():
            chosen.setdefault((one.file, one.text), one)
    return list(chosen.values())


def _try(mutation: Mutation, touched: Touched, bench: Bench) -> Result:
    tests = touched.tests_of(mutation.file, mutation.lines, MOST)
    usual = sum(touched.seconds[name] for name in tests)
    limit = START_SECONDS + PATIENCE * usual
    with bench.holding(mutation.file, mutation.text):
        test = bench.failing(tests, limit) if tests else None
        types = None if test else bench.mistyped()
    return Result(_place(mutation), mutation.diff, test, types)


def _place(mutation: Mutation) -> str:
    return f"{mutation.file}:{mutation.lines.start}"


def _told(result: Result) -> str:
    if result.survived:
        return f"{result.place}  SURVIVED\n{result.diff}\n{result.why or 'Why?'}"
    return f"{result.place}  {result.test or result.types}"


def _page(tried: Sequence[Result], seed: int, number: int) -> str:
    lines = [
        HEAD.format(
            seed=seed, number=number, tried=len(tried), **_figures(tried, "storefront/")
        ),
        "| part of the shop | mutants | caught by tests | by types | survived |",
        "| --- | --- | --- | --- | --- |",
    ]
    for package in PACKAGES:
        figures = _figures(tried, f"storefront/{package}/")
        lines.append(f"| {package} | " + " | ".join(map(str, figures.values())) + " |")
    lines.append("\n## What survived\n")
    for one in tried:
        if one.survived:
            lines += [f"`{one.place}`", f"```diff\n{one.diff}\n```", f"{one.why}\n"]
    return "\n".join(lines)


def _figures(tried: Sequence[Result], folder: str) -> dict[str, int]:
    mine = [one for one in tried if one.place.startswith(folder)]
    by_tests = sum(bool(one.test) for one in mine)
    survived = sum(one.survived for one in mine)
    return {
        "all": len(mine),
        "tests": by_tests,
        "types": len(mine) - by_tests - survived,
        "survived": survived,
    }


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a program for a terminal


if __name__ == "__main__":
    sys.exit(main())
