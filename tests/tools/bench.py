"""Where a mutant is tried: a copy of the checkout, beside a Postgres that stays."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import cache_from_source
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from storefront.demo.postgres import embedded_postgres
from tests.fixtures.postgres import SETTINGS

ROOT = Path(__file__).parents[2]
KEPT = (
    "storefront",
    "tests",
    "bench",
    "migrations",
    "wsgi.py",
    "gunicorn.conf.py",
    "pyproject.toml",
)
# Quick to begin: no plugin that shuffles, remembers or asks for workers.
PYTEST = (
    *(
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=no",
        "--timeout=60",
    ),
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
    *("-p", "no:tests.fixtures.order", "-p", "tests.tools.chosen_tests"),
)
CAUGHT = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)
NO_TESTS = 5
TEMPLATE = "migrated"
PROCESSES = int(os.environ.get("MUTANT_PROCESSES", "2"))

Thing = TypeVar("Thing")
Done = TypeVar("Done")


class Bench:
    """One copy, in which one file at a time is other than in the checkout."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "TEST_DATABASE_URL": database_url,
            "TEST_TEMPLATE": TEMPLATE,
            "PERMUTATIONS": "10",
        }
        for name in KEPT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name)

    @contextmanager
    def holding(self, file: str, text: str) -> Iterator[None]:
        """Let a file hold another text for a while."""
        changed = self.folder / file
        changed.write_text(text, "utf-8")
        try:
            yield
        finally:
            shutil.copy2(ROOT / file, changed)
            # Its time and size are all that tells one change from the next.
            Path(cache_from_source(str(changed))).unlink(missing_ok=True)

    def failing(self, tests: Sequence[str], most_seconds: float) -> str | None:
        """Give the first of the tests that fails, or what else ended them.

        :param tests: single ones, or files of them; run in this order.
        """
        chosen = self.folder / "chosen.txt"
        chosen.write_text("\n".join(tests), "utf-8")
        files = dict.fromkeys(name.partition("::")[0] for name in tests)
        process = subprocess.Popen(
            [*PYTEST, *files],
            cwd=self.folder,
            env={**self._environment, "CHOSEN_TESTS": str(chosen)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            told, _ = process.communicate(timeout=most_seconds)
        except subprocess.TimeoutExpired:
            return "the limit of time"
        finally:
            # With whatever the tests had started.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode == NO_TESTS:
            raise SystemExit(f"The tests did not run.\n{told}")
        found = CAUGHT.search(told)
        return None if process.returncode == 0 else found[1] if found else "the import"

    def mistyped(self) -> str | None:
        """Give what the checker of types finds."""
        answer = subprocess.run(
            [sys.executable, "-m", "mypy", "--no-error-summary"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.splitlines()[0] if answer.returncode else None


def on_benches(
    deed: Callable[[Thing, Bench], Done], things: Sequence[Thing]
) -> Iterator[Done]:
    """Do something with each thing on a bench, some at once; give what comes of it."""
    free: SimpleQueue[Bench] = SimpleQueue()

    def do(thing: Thing) -> Done:
        bench = free.get()
        try:
            return deed(thing, bench)
        finally:
            free.put(bench)

    with _benches(PROCESSES) as all_of_them, ThreadPoolExecutor(PROCESSES) as threads:
        for bench in all_of_them:
            free.put(bench)
        yield from threads.map(do, things)


@contextmanager
def _benches(number: int) -> Iterator[list[Bench]]:
    """Give places to work at once, which share one Postgres."""
    with tempfile.TemporaryDirectory(prefix="storefront-mutants-") as name:
        # Under root the server is another user, who has to pass through here.
        Path(name).chmod(0o711)
        folders = [Path(name, str(place)) for place in range(number)]
        for folder in folders:
            folder.mkdir(mode=0o711)
        with embedded_postgres(Path(name, "postgres"), settings=SETTINGS) as server:
            server.ensure_database(TEMPLATE)
            _migrate(server.url(TEMPLATE))
            yield [Bench(folder, server.url("postgres")) for folder in folders]


def _migrate(url: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env={
            **os.environ,
            "STOREFRONT_ENV": "development",
            "DATABASE_URL": url,
            "SCHEDULER": "off",
        },
        capture_output=True,
        check=True,
    )
