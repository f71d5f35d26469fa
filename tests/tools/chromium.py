"""Finds a Chromium for the browser tests, or gets one.

Prints its path, or nothing where none can be had; the reasons go to the terminal.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHT = (sys.executable, "-m", "playwright")
# A download of 170 MB on a slow line; a line that is dead ends sooner.
SECONDS_TO_INSTALL = 600


def find_chromium() -> str | None:
    """Give the path of a Chromium that runs: the system's, or playwright's."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES)]
    for path in candidates:
        if path and _runs([path, "--version"]):
            return path
    return _find_playwrights()


def _find_playwrights() -> str | None:
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as it: print(it.chromium.executable_path)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    path = answer.stdout.strip()
    return path if path and _runs([path, "--version"]) else None


def get_chromium() -> str | None:
    """Find a Chromium or install one; None where neither works."""
    found = find_chromium()
    if found:
        return found
    _say("No Chromium here: asking playwright for its own")
    if _runs([*PLAYWRIGHT, "install", "chromium"]) and (found := find_chromium()):
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say("That did not work: installing Debian's chromium")
        _install_package()
        return find_chromium()
    return None


def _install_package() -> None:
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    # A fresh machine has no list of packages yet.
    if not _runs(install) and _runs(["apt-get", "update"]):
        _runs(install)


def _runs(command: Sequence[str]) -> bool:
    try:
        answer = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS_TO_INSTALL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.stdout.write(get_chromium() or "")
