"""What takes part: Postgres, Stripe's emulator, and servers of the shop's settings."""

import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import requests

from storefront.demo.children import Child, start_child
from storefront.demo.ports import free_port
from storefront.demo.postgres import embedded_postgres
from tests.chaos.stage import started_emulator
from tests.factories.catalog import CATALOG
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.shop import environment

ROOT = Path(__file__).parents[1]
GUNICORN = (sys.executable, "-m", "gunicorn")
WORKERS = 2
SECONDS_TO_BE_READY = 60.0
# As a small rented machine has it; what is committed is on the disk.
POSTGRES = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "max_connections": "200",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server; `pid` is the process above all its workers."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class SlowStripe:
    """A Stripe that only makes sessions."""

    url: str

    def take(self, seconds: float) -> None:
        """Let it take so long from now on."""
        requests.get(f"{self.url}/pause/{seconds}", timeout=10).raise_for_status()

    def settings(self) -> dict[str, str]:
        """Give what a shop is told, so that it asks this one."""
        return {"STRIPE_API_BASE": self.url, "STRIPE_CHECKOUT_ORIGINS": self.url}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is, and what the shop is started with."""

    database_url: str
    database_pid: int
    emulator: EmulatorHand
    folder: Path

    def settings(self, **more: str) -> dict[str, str]:
        """Give the shop's settings; `more` overrides them."""
        usual = {
            "STRIPE_API_BASE": self.emulator.url,
            "STRIPE_CHECKOUT_ORIGINS": self.emulator.url,
            "MAIL_DEFAULT_SENDER": "Lunaria <studio@lunaria.example>",
            "CHECKOUT_RATE": "1000000 per minute",
        }
        return environment(self.database_url, **{**usual, **more})

    def execute(self, statement: str, *values: object) -> None:
        """Change the database, past the shop."""
        with _connected(self.database_url) as cursor:
            cursor.execute(statement, values)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with _connected(self.database_url) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    @contextmanager
    def slow_stripe(self, seconds: float) -> Iterator["SlowStripe"]:
        """Run a Stripe that takes so long for each answer."""
        stripe = SlowStripe(f"http://127.0.0.1:{(port := free_port())}")
        command = [sys.executable, "-m", "bench.stripe_stub", str(port)]
        log = self.folder / "stripe.log"
        child = start_child("stripe", command, log=log, env=os.environ, cwd=ROOT)
        try:
            _wait_for(stripe.url, child)
            stripe.take(seconds)
            yield stripe
        finally:
            child.stop()

    @contextmanager
    def shop(self, **more: str) -> Iterator[Server]:
        """Serve the shop."""
        settings = self.settings(**more)
        with serving("wsgi:app", ROOT, settings, self.folder, "/readyz") as server:
            # Its first page takes as long as a round where the machine is busy.
            requests.get(server.url, timeout=SECONDS_TO_BE_READY).raise_for_status()
            yield server

    @contextmanager
    def bare(self, name: str, **more: str) -> Iterator[Server]:
        """Serve a reference, in the same way as the shop."""
        settings = self.settings(PYTHONPATH=str(ROOT), **more)
        app = f"bench.bare.{name}:app"
        # Elsewhere: gunicorn reads the shop's own settings where it finds them.
        with serving(app, self.folder, settings, self.folder, "/") as server:
            yield server


@contextmanager
def _connected(database_url: str) -> Iterator[Any]:
    with (
        closing(psycopg2.connect(database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        yield cursor


@contextmanager
def running_stage(
    fill: Callable[[Path], None] | None = None, kept: Path | None = None
) -> Iterator[Stage]:
    """Set up Postgres with the tests' catalog, and the emulator; end them afterwards.

    :param fill: writes into the folder that Postgres is then started on.
    :param kept: that folder, where it is to stay.
    """
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-bench")))
        # Under root Postgres is another user, who has to pass through here.
        folder.chmod(0o711)
        database = kept or folder / "postgres"
        if fill:
            fill(database)
        postgres = ending.enter_context(embedded_postgres(database, settings=POSTGRES))
        emulator = started_emulator(ending, folder)
        stage = Stage(postgres.url(), postgres.pid, emulator, folder)
        run(stage, "db", "upgrade")
        run(stage, "catalog", "load", str(CATALOG))
        yield stage


def run(stage: Stage, *arguments: str) -> None:
    """Run a command of the shop to its end.

    :raises CalledProcessError: if it fails.
    """
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env={**os.environ, **stage.settings()},
        check=True,
        capture_output=True,
    )


@contextmanager
def serving(
    app: str, cwd: Path, settings: Mapping[str, str], folder: Path, ready: str
) -> Iterator[Server]:
    """Serve an app by gunicorn, with as many workers and threads as the shop has."""
    port = free_port()
    shop = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    command = [
        *(*GUNICORN, app, f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}"),
        *(f"--worker-class={shop['worker_class']}", f"--threads={shop['threads']}"),
        *(f"--keep-alive={shop['keepalive']}", "--no-control-socket"),
    ]
    log = folder / f"{app.partition(':')[0]}.log"
    url = f"http://127.0.0.1:{port}"
    env = {**settings, "BASE_URL": url}
    with started(command, url, ready, env=env, cwd=cwd, log=log) as server:
        yield server


@contextmanager
def started(
    command: Sequence[str],
    url: str,
    ready: str,
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
) -> Iterator[Server]:
    """Run a server until the block ends.

    :param ready: the path that is asked for until it answers.
    """
    variables = {**os.environ, **env}
    child = start_child(log.stem, command, log=log, env=variables, cwd=cwd)
    try:
        _wait_for(url + ready, child)
        yield Server(url, _guarded(child))
    finally:
        child.stop()
        # Each request leaves a line here.
        log.unlink(missing_ok=True)


def _guarded(child: Child) -> int:
    return psutil.Process(child.pid).children()[0].pid


def _wait_for(url: str, child: Child) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_BE_READY
    while True:
        with suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).status_code < 500:
                return
        if time.monotonic() > give_up_at or not child.running:
            raise RuntimeError(child.last_lines())
        time.sleep(0.1)
