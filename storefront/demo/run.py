"""The whole demo: everything the shop needs, started, watched and stopped together."""

import http.client
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from storefront.demo.children import Child, last_lines, start_child
from storefront.demo.environment import Environment
from storefront.demo.errors import DemoError
from storefront.demo.lock import locked
from storefront.demo.mailbox import running_mailbox
from storefront.demo.ports import LOOPBACK
from storefront.demo.postgres import EmbeddedPostgres, embedded_postgres
from storefront.demo.terminal import Stopped, say, step, stopping_on_signals

FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
# A slow machine that imports everything in two workers at once.
SECONDS_TO_BE_READY = 60.0
SECONDS_BETWEEN_LOOKS = 0.2
HINTS = """
To try:
  buy something with card 4242 4242 4242 4242 (any date to come, any code),
  have a card declined with 4000 0000 0000 0002,
  read the receipt in the mailbox, refund it on the emulator's page,
  see it all in another terminal: .venv/bin/python -m flask --app wsgi orders list
Ctrl-C stops everything; a second start goes on where this one ended."""


def run_demo(root: Path) -> None:
    """Run the demo of a checkout until somebody stops it.

    :raises SystemExit: where it cannot go on, after saying why.
    """
    say("Starting the demo")
    try:
        with stopping_on_signals(), ExitStack() as ending:
            demo = Demo(root, ending)
            demo.start()
            demo.watch()
    except Stopped:
        say("\nStopped. The data stay in instance/.")
    except DemoError as error:
        _fail(str(error))
    except PermissionError as error:
        _fail(
            f"{error.filename} belongs to another user: run as that user, or remove "
            f"{root / 'instance'}."
        )


def _fail(sentence: str) -> NoReturn:
    print(f"\n{sentence}", file=sys.stderr)
    raise SystemExit(1)


class Demo:
    """One run; whatever starts is registered to end in the opposite order."""

    def __init__(self, root: Path, ending: ExitStack) -> None:
        self._root = root
        self._instance = root / "instance"
        self._ending = ending
        self._logs = self._instance / "log"
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = ending.enter_context(
            locked(
                self._instance / "demo.lock",
                "The demo of this checkout is already running; its addresses stand in "
                "instance/demo.env.",
            )
        )
        self._settings = Environment(root, os.environ)
        self._parts: list[Child | EmbeddedPostgres] = []
        self._parent = os.getppid()

    def start(self) -> None:
        """Start every part, each when what it needs is there."""
        settings = self._settings
        if settings.mode != "demo":
            raise DemoError(
                "STOREFRONT_ENV is not demo, and only the demo brings its own parts: "
                "unset it, or start the shop with gunicorn."
            )
        port = settings.add_shop()
        if settings.wants_postgres:
            self._start_postgres()
        if settings.wants_mailbox:
            self._start_mailbox()
        # What takes its time comes up while something else is done.
        emulator = self._launch_emulator(port) if settings.wants_emulator else None
        settings.write()
        self._do("Migrations", "db", "upgrade")
        shop = self._launch_shop(port)
        self._do("Catalog", "catalog", "load", "--demo")
        if emulator is not None:
            ledger = f"{settings['STRIPE_API_BASE']}/_control/ledger"
            self._await_answer("Stripe emulator", emulator, ledger)
        self._await_answer("Shop", shop, f"http://{LOOPBACK}:{port}/readyz")
        say(f"\n{settings.addresses()}\n{HINTS}")

    def watch(self) -> None:
        """Look after the parts until one of them ends.

        :raises DemoError: naming the part, with the end of its log.
        """
        while True:
            for part in self._parts:
                self._refuse_dead(part)
            # make that was killed cannot pass that on; we would be left behind.
            if "MAKELEVEL" in os.environ and os.getppid() != self._parent:
                raise Stopped
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _start_postgres(self) -> None:
        with step("Postgres"):
            server = self._ending.enter_context(
                embedded_postgres(
                    self._instance / "postgres", log=self._log("postgres")
                )
            )
        self._parts.append(server)
        self._settings.add(DATABASE_URL=server.url())

    def _start_mailbox(self) -> None:
        smtp_port, web_port = self._settings.add_mailbox()
        with step("Mailbox"):
            self._ending.enter_context(
                running_mailbox(smtp_port, web_port, self._instance / "letters")
            )

    def _launch_emulator(self, shop_port: int) -> Child:
        port = self._settings.add_emulator()
        webhook = f"http://{LOOPBACK}:{shop_port}/api/webhooks/stripe"
        return self._launch(
            "emulator",
            *FLASK,
            "emulator",
            f"--port={port}",
            f"--webhook-url={webhook}",
            f"--webhook-secret={self._settings['STRIPE_WEBHOOK_SECRET']}",
            f"--ledger={self._instance / 'stripe-ledger.jsonl'}",
        )

    def _launch_shop(self, port: int) -> Child:
        gunicorn = (sys.executable, "-m", "gunicorn", "wsgi:app")
        return self._launch("shop", *gunicorn, f"--bind={LOOPBACK}:{port}")

    def _launch(self, name: str, *command: str) -> Child:
        child = start_child(
            name,
            command,
            log=self._log(name),
            env=self._settings.of_child(),
            cwd=self._root,
            keep=[self._lock],
        )
        self._ending.callback(child.stop)
        self._parts.append(child)
        return child

    def _do(self, name: str, *arguments: str) -> None:
        """Run a command of the shop to its end."""
        log = self._log("setup")
        with step(name), log.open("wb") as output:
            answer = subprocess.run(
                [*FLASK, *arguments],
                cwd=self._root,
                env={**self._settings.of_child(), "SCHEDULER": "off"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if answer.returncode != 0:
            raise DemoError(
                f"`flask {' '.join(arguments)}` failed. The end of {log}:\n"
                + last_lines(log)
            )

    def _await_answer(self, title: str, part: Child, url: str) -> None:
        deadline = time.monotonic() + SECONDS_TO_BE_READY
        with step(title):
            while not _answers(url):
                self._refuse_dead(part)
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"The {part.name} does not get ready. The end of {part.log}:\n"
                        + part.last_lines()
                    )
                time.sleep(0.05)

    def _refuse_dead(self, part: Child | EmbeddedPostgres) -> None:
        if not part.running:
            raise DemoError(
                f"The {part.name} has ended. The end of {part.log}:\n"
                + part.last_lines()
            )

    def _log(self, name: str) -> Path:
        """Give an empty log: what an earlier run wrote would mislead."""
        log = self._logs / f"{name}.log"
        log.write_bytes(b"")
        return log


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
