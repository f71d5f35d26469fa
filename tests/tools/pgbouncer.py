"""Finds a PgBouncer for the tests behind a pooler, or gets one.

Prints its path, or nothing where none can be had; the reasons go to the terminal.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# Debian keeps it where only root looks.
NAMES = ("pgbouncer", "/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer")
SECONDS_TO_INSTALL = 300


def find_pgbouncer() -> str | None:
    """Give the path of a PgBouncer that runs: the named one, or the system's."""
    for path in (os.environ.get("PGBOUNCER"), *map(shutil.which, NAMES)):
        if path and _runs([path, "--version"]):
            return path
    return None


def get_pgbouncer() -> str | None:
    """Find a PgBouncer or install one; None where neither works."""
    found = find_pgbouncer()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write("No PgBouncer here: installing Debian's pgbouncer\n")
        _install_package()
        found = find_pgbouncer()
    return found


def _install_package() -> None:
    install = ["apt-get", "install", "-y", "--no-install-recommends", "pgbouncer"]
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


if __name__ == "__main__":
    sys.stdout.write(get_pgbouncer() or "")
