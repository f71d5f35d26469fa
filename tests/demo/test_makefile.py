"""The Makefile, as far as it can be looked at without installing anything."""

import os
import re
import shutil
import subprocess

import pytest

from tests.demo.processes import ROOT

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is missing")
TARGETS = [
    "help",
    "run",
    "test",
    "coverage",
    "test-long",
    "snapshots",
    "reliability",
    "lighthouse",
    "mutants",
    "mutants-random",
    "chaos",
    "bench",
    "lint",
    "format",
    "translations",
    "pictures",
    "lock",
    "clean",
]


def make(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Call make the way a person does."""
    own = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        [str(MAKE), *arguments],
        cwd=ROOT,
        env={**own, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_every_target() -> None:
    listed = re.findall(r"^  make ([\w-]+) +\S", make().stdout, re.MULTILINE)
    assert listed == TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_read(target: str) -> None:
    answer = make("--dry-run", target)
    assert answer.returncode == 0, answer.stderr


def test_no_console_script_is_called() -> None:
    called = re.findall(r"\.venv/bin/(\w+)", (ROOT / "Makefile").read_text())
    assert set(called) == {"python"}


def test_a_missing_python_is_one_sentence() -> None:
    answer = make("run", "PYTHON=no-such-python")
    assert answer.returncode != 0
    assert answer.stderr.startswith("Python 3.11 or newer with venv is needed")
    assert "no-such-python" in answer.stderr


def test_ci_guards_all_there_is() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make lint\nmake test" in script.read_text()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_installed_is_pinned_by_hashes(name: str) -> None:
    assert "--hash=sha256:" in (ROOT / name).read_text()
