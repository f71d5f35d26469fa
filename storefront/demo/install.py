"""Makes `.venv` and keeps it in step with a locked requirements file.

Run by its path with the interpreter that the environment is to have: nothing but
the standard library is there yet.
"""

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
# The file names all that is needed. Asked to look for itself, pip takes a package that
# another wants with an extra in its newest release, and refuses that: it has no hash.
AS_LOCKED = ("--no-deps", "--require-hashes")


def main() -> int:
    """Do what is missing; give the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rebuild", action="store_true", help="if another version")
    parser.add_argument("requirements")
    options = parser.parse_args()
    # Two at once would install into each other.
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _ensure_venv(sys.version_info[:2] if options.rebuild else None)
            _ensure_installed(ROOT / options.requirements)
        except subprocess.CalledProcessError as error:
            # Where pip or venv failed it has said why.
            return error.returncode
        except KeyboardInterrupt:
            return 130
    return 0


def _ensure_venv(wanted: tuple[int, int] | None) -> None:
    found = _version()
    if found is None or found < OLDEST or (wanted and found != wanted):
        print("Making .venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    elif _runs("-m", "pip", "--version") is None:
        subprocess.run([PYTHON, "-m", "ensurepip"], check=True)


def _version() -> tuple[int, int] | None:
    """Give the version of the environment's interpreter, None if it is gone."""
    answer = _runs("-c", "import sys; print(*sys.version_info[:2])")
    if answer is None:
        return None
    major, minor = answer.split()
    return int(major), int(minor)


def _runs(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            [PYTHON, *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _ensure_installed(requirements: Path) -> None:
    """Install the file unless its very content was installed before."""
    stamp = VENV / f"{requirements.name}.installed"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(
        f"Installing {requirements.name}; the first time this takes a minute or so",
        flush=True,
    )
    begun = time.monotonic()
    subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", *AS_LOCKED, "-r", requirements],
        # A habit of installing for the user alone is refused inside a venv.
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0"},
        check=True,
    )
    stamp.write_text(digest)
    print(f"Installed in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
