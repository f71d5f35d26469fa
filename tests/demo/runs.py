"""A run of the demo as tests see it: its output, what it wrote down, its end."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import pytest
from dotenv import dotenv_values

from tests.demo.processes import ROOT, script, wait_until


class Run:
    """A run of the demo in a folder."""

    def __init__(self, root: Path, process: "Popen[str]") -> None:
        self.process = process
        self.output = ""
        self._instance = root / "instance"

    @property
    def settings(self) -> dict[str, str]:
        """Give what the demo has written down."""
        found = dotenv_values(self._instance / "demo.env")
        return {name: value or "" for name, value in found.items()}

    @property
    def emulator(self) -> dict[str, str]:
        """Give what the emulator was told, and its process id."""
        told = (self._instance / "stripe-ledger.jsonl").read_text()
        return dict(json.loads(told))

    def wait_until_ready(self) -> "Run":
        """Read until everything is started."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Ctrl-C stops"):
                return self
        pytest.fail(f"The demo did not start:\n{self.output}")

    def end(self, *signals: signal.Signals) -> int:
        """Send signals, read the rest, give the exit status."""
        for number in signals:
            self.process.send_signal(number)
        self.output += self.process.communicate(timeout=30)[0]
        return self.process.returncode

    def leaves_nothing(self) -> bool:
        """Tell whether soon nothing of the run listens any more."""
        settings = self.settings
        names = ("BASE_URL", "DATABASE_URL", "STRIPE_API_BASE", "MAILBOX_URL")
        ports = [urlsplit(settings[name]).port or 0 for name in names]
        ports.append(int(settings["MAIL_PORT"]))
        return wait_until(lambda: not any(map(listens, ports)))


def listens(port: int) -> bool:
    """Tell whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    code: str, *arguments: object, root: Path, checkout: Path = ROOT, **variables: str
) -> Iterator[Run]:
    """Start a demo whose data are under `root`; it is ended whatever the test does."""
    with script(code, *arguments, root=checkout, **variables) as process:
        run = Run(root, process)
        yield run
        if process.poll() is None:
            run.end(signal.SIGINT)
