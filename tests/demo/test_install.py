"""How .venv is made: what the locked file names, and nothing else."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.demo.processes import ROOT

SCRIPT = Path("storefront", "demo", "install.py")


def wheel(folder: Path, name: str, version: str, *more: str) -> str:
    """Make a package with nothing in it; give the line that pins it."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    facts = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more]
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", "\n".join(facts) + "\n")
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}\n"


def install(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Make the environment of a folder from what lies there."""
    script = folder / SCRIPT
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, script)
    there = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    return subprocess.run(
        [sys.executable, script, "locked.txt"],
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, **there},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_newer_release_of_what_another_package_wants_is_left_alone(
    tmp_path: Path,
) -> None:
    wheel(tmp_path, "moon", "1.1", "Provides-Extra: full")
    locked = [
        wheel(tmp_path, "moon", "1.0", "Provides-Extra: full"),
        wheel(tmp_path, "tide", "2.0", "Requires-Dist: moon[full]>=1.0"),
    ]
    (tmp_path / "locked.txt").write_text("".join(locked))

    answer = install(tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert len([*tmp_path.glob(".venv/lib/*/site-packages/moon-1.0.dist-info")]) == 1


def test_what_has_no_hash_is_not_installed(tmp_path: Path) -> None:
    wheel(tmp_path, "moon", "1.0")
    (tmp_path / "locked.txt").write_text("moon==1.0\n")

    answer = install(tmp_path)

    assert answer.returncode == 1
    assert "Hashes are required" in answer.stderr
