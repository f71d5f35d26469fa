"""The data folder of the embedded Postgres: made once, opened by one at a time."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storefront.demo.children import Account, run_as
from storefront.demo.errors import DemoError
from storefront.demo.lock import locked
from storefront.demo.postgres_home import (
    ENVIRONMENT,
    choose_account,
    find_programs,
    make_home,
)

ROLE = "storefront"


@dataclass
class Cluster:
    """A locked data folder and what it takes to run and reach its server."""

    home: Path
    record: Path
    log: Path
    programs: Path
    account: Account | None
    lock: int
    password: str
    port: int | None

    @property
    def data(self) -> Path:
        """Give the folder Postgres calls its data directory."""
        return self.home / "data"

    @property
    def pid_file(self) -> Path:
        """Give the file in which a running server leaves its process id."""
        return self.data / "postmaster.pid"

    def save(self) -> None:
        """Write down where the server is and how to log in, for our eyes only."""
        text = json.dumps(
            {"home": str(self.home), "port": self.port, "password": self.password}
        )
        parts = self.record.with_name(f"{self.record.name}.new")
        parts.unlink(missing_ok=True)
        with os.fdopen(os.open(parts, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        parts.replace(self.record)


@contextmanager
def opened_cluster(state: Path, log: Path) -> Iterator[Cluster]:
    """Lock the data folder that belongs to `state`, make it where there is none.

    :raises DemoError: where another process has it, or it cannot be made.
    """
    account = choose_account(state)
    home = make_home(state, account)
    refusal = (
        f"The database in {home} is already running: another `make run` of this "
        "checkout has it."
    )
    with locked(home / "lock", refusal) as lock:
        record = state.with_name(f"{state.name}.json")
        known = _read(record)
        cluster = Cluster(
            home=home,
            record=record,
            log=log,
            programs=find_programs(account),
            account=account,
            lock=lock,
            password=str(known.get("password") or secrets.token_urlsafe(24)),
            port=known.get("port"),
        )
        _prepare(cluster, begin_anew="password" not in known)
        yield cluster


def _read(record: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(record.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _prepare(cluster: Cluster, *, begin_anew: bool) -> None:
    cluster.log.parent.mkdir(parents=True, exist_ok=True)
    cluster.log.write_bytes(b"")
    if begin_anew and cluster.data.exists():
        # Nobody knows the password: the record was removed to forget it all.
        shutil.rmtree(cluster.data)
    if not cluster.data.exists():
        _initialise(cluster)
        cluster.save()
    # We hold the lock, so whoever wrote this is gone; its number may live on.
    cluster.pid_file.unlink(missing_ok=True)


def _initialise(cluster: Cluster) -> None:
    """Make the data folder under another name first: it is there whole or not."""
    parts = cluster.home / "data.new"
    shutil.rmtree(parts, ignore_errors=True)
    password = cluster.home / "password"
    _write_for(cluster.account, password, cluster.password)
    try:
        answer = run_as(
            cluster.account,
            [
                cluster.programs / "initdb",
                f"--pgdata={parts}",
                f"--username={ROLE}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",  # sorts alike on every system
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                "--no-sync",  # an accident now costs an empty database
            ],
            ENVIRONMENT,
        )
    finally:
        password.unlink()
    if answer.returncode != 0:
        raise DemoError(f"Postgres could not make {cluster.data}:\n{answer.stdout}")
    parts.rename(cluster.data)


def _write_for(account: Account | None, path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        if account is not None:
            os.fchown(file.fileno(), account.uid, account.gid)
        file.write(text)
