"""The stage: the shop as it is served for real, and its neighbours, all to be broken.

gunicorn with two workers and their clocks, a Postgres of its own, the Stripe emulator
as a process, a mail server; between them and the shop a line each that can be cut.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg2
import requests
from psycopg2.extras import RealDictCursor

from storefront.demo.children import Child, start_child
from storefront.demo.mailbox import Mailbox, running_mailbox
from storefront.demo.ports import free_port
from storefront.demo.postgres import EmbeddedPostgres, embedded_postgres
from storefront.webhooks.handlers import HANDLERS
from tests.chaos.lines import Line, running_lines
from tests.factories.catalog import CATALOG
from tests.factories.events import WEBHOOKS
from tests.fixtures.emulator import EmulatorHand
from tests.fixtures.shop import WEBHOOK_SECRET, environment

ROOT = Path(__file__).parents[2]
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
GUNICORN = (sys.executable, "-m", "gunicorn", "wsgi:app")
WORKERS = 2
SECONDS_TO_BE_READY = 60.0
# What it has promised it keeps through a crash of its own; the machine does not crash.
POSTGRES = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "200",
}


class Server:
    """The shop's gunicorn: it can be killed and started again, at the same address."""

    def __init__(self, url: str, settings: dict[str, str], log: Path) -> None:
        self.url = url
        self._settings = settings
        self._log = log
        self._child: Child | None = None

    def start(self, **more: str) -> None:
        """Start it, without waiting; `more` adds to its settings."""
        bind = f"--bind={urlsplit(self.url).netloc}"
        self._child = start_child(
            "shop",
            [*GUNICORN, bind],
            log=self._log,
            env={**os.environ, **self._settings, **more},
            cwd=ROOT,
        )

    def stop(self) -> None:
        """End it as a deploy does: what is in hand is finished."""
        if self._child:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """Kill all of it at once, as a power cut does."""
        for process in [self._master(), *self.workers()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.stop()

    def reload(self) -> None:
        """Have its workers replaced, one by one."""
        self._master().send_signal(signal.SIGHUP)

    def workers(self) -> list[psutil.Process]:
        """Give the workers, oldest first."""
        return sorted(self._master().children(), key=lambda one: one.pid)

    def run_job(self, name: str) -> None:
        """Run a job in a process of its own, as its command does."""
        done = run(self._settings, "job", "run", name)
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"

    def wait(self) -> None:
        """Wait until it is ready."""
        give_up_at = time.monotonic() + SECONDS_TO_BE_READY
        while not is_ready(self.url):
            assert time.monotonic() < give_up_at, self._log.read_text()[-2000:]
            time.sleep(0.1)

    def _master(self) -> psutil.Process:
        assert self._child is not None
        guard = psutil.Process(self._child.pid)
        while not (found := guard.children()):
            assert self._child.running, self._child.last_lines()
            time.sleep(0.01)
        return found[0]


@dataclass(frozen=True)
class Stage:
    """All that takes part, with a hand on each."""

    server: Server
    postgres: EmbeddedPostgres
    database_url: str
    emulator: EmulatorHand
    mailbox: Mailbox
    stripe_line: Line
    mail_line: Line
    database_line: Line
    consoles: list[Any] = field(default_factory=list)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the database, past the shop."""
        connection = psycopg2.connect(
            self.database_url, cursor_factory=RealDictCursor, connect_timeout=5
        )
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall() if cursor.description else []
        return [dict(row) for row in rows]

    def hold(self, statement: str) -> None:
        """Begin a transaction that keeps what it has locked, until `let_go`."""
        connection = psycopg2.connect(self.database_url, connect_timeout=5)
        with connection.cursor() as cursor:
            cursor.execute(statement)
        self.consoles.append(connection)

    def let_go(self) -> None:
        """End those transactions."""
        while self.consoles:
            self.consoles.pop().close()


@contextmanager
def running_stage() -> Iterator[Stage]:
    """Set everything up, the catalog loaded and the shop ready; end it afterwards."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("-chaos")))
        # Under root Postgres is another user, who has to pass through here.
        folder.chmod(0o711)
        postgres = ending.enter_context(
            embedded_postgres(folder / "postgres", settings=POSTGRES)
        )
        mailbox = ending.enter_context(running_mailbox())
        shop = f"http://127.0.0.1:{free_port()}"
        emulator = started_emulator(ending, folder)
        emulator.add_endpoint(shop + WEBHOOKS, WEBHOOK_SECRET, *HANDLERS)
        lines = ending.enter_context(
            running_lines(
                urlsplit(emulator.url).port or 0,
                mailbox.smtp_port,
                urlsplit(postgres.url()).port or 0,
            )
        )
        settings = _settings(shop, postgres.url(), emulator.url, *lines)
        run(settings, "db", "upgrade").check_returncode()
        run(settings, "catalog", "load", str(CATALOG)).check_returncode()
        server = Server(shop, settings, folder / "shop.log")
        ending.callback(server.stop)
        server.start()
        server.wait()
        yield Stage(server, postgres, postgres.url(), emulator, mailbox, *lines)


def started_emulator(ending: ExitStack, folder: Path) -> EmulatorHand:
    """Start the emulator as a process; give a hand on it, until the stack unwinds."""
    port = free_port()
    module = [sys.executable, "-m", "tests.chaos.emulator", str(port)]
    log = folder / "emulator.log"
    child = start_child("emulator", module, log=log, env=os.environ, cwd=ROOT)
    ending.callback(child.stop)
    hand = EmulatorHand(f"http://127.0.0.1:{port}")
    ending.callback(hand.close)
    give_up_at = time.monotonic() + SECONDS_TO_BE_READY
    while True:
        with suppress(requests.ConnectionError):
            hand.ledger("charges")
            return hand
        assert time.monotonic() < give_up_at, child.last_lines()
        time.sleep(0.1)


def _settings(
    shop: str,
    database_url: str,
    emulator_url: str,
    stripe_line: Line,
    mail_line: Line,
    database_line: Line,
) -> dict[str, str]:
    mail_server, mail_port = mail_line.address().split(":")
    there = urlsplit(database_url)
    account = there.netloc.rpartition("@")[0]
    beyond = there._replace(netloc=f"{account}@{database_line.address()}")
    return environment(
        beyond.geturl(),
        BASE_URL=shop,
        STRIPE_API_BASE=f"http://{stripe_line.address()}",
        STRIPE_CHECKOUT_ORIGINS=emulator_url,
        MAIL_SERVER=mail_server,
        MAIL_PORT=mail_port,
        MAIL_DEFAULT_SENDER="Lunaria <studio@lunaria.example>",
        CHECKOUT_RATE="1000000 per minute",
        SCHEDULER="on",
        WEB_CONCURRENCY=str(WORKERS),
    )


def run(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the shop to its end."""
    return subprocess.run(
        [*FLASK, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings, "SCHEDULER": "off"},
        capture_output=True,
        text=True,
        check=False,
        # A Ctrl-C in the terminal is for the run, which then still checks.
        start_new_session=True,
    )


def is_ready(url: str) -> bool:
    """Tell whether the shop is ready to sell."""
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False
