"""Processes that live exactly as long as the one that started them.

Each runs under `guard.py`, in a session of its own: a Ctrl-C in the terminal
reaches only the starter, which then ends its children in the order it wants.
"""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storefront.demo.errors import DemoError

# A traceback inside a line of JSON would push everything else off the screen.
WIDTH = 600
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Account:
    """Whom a child runs as."""

    uid: int
    gid: int


class Child:
    """One guarded process and the log it writes."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], log: Path, grace: float
    ) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._grace = grace

    @property
    def pid(self) -> int:
        """Give the guard's process id; what it guards is its only child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process is still there."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, which the guard hands on."""
        self._process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; tell whether it came in time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the process, by force once its grace is over. Safe to repeat."""
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
        self._process.stdin.close()
        # The guard kills after the grace; its own two seconds come on top.
        if not self.wait(self._grace + 2):
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        """Give the end of the log."""
        return last_lines(self.log, count)


def last_lines(log: Path, count: int = 15) -> str:
    """Give the last lines of a log, or nothing where there is none."""
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(line[:WIDTH] for line in lines)


def start_child(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace: float = 10.0,
    account: Account | None = None,
    keep: Sequence[int] = (),
) -> Child:
    """Start a command under a guard, its output appended to the log.

    `keep` are file descriptors that the process holds as long as it lives.
    """
    options = [f"--signal={int(stop_signal)}", f"--grace={grace}"]
    options += [f"--keep={number}" for number in keep]
    if account is not None:
        options += [f"--uid={account.uid}", f"--gid={account.gid}"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", GUARD, *options, "--", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
            env=dict(env),
            cwd=cwd,
        )
    return Child(name, process, log, grace)


def run_as(
    account: Account | None, command: Sequence[str | Path], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end, as another user where one is given."""
    try:
        return subprocess.run(
            command,
            env=dict(env),
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DemoError(f"{command[0]} cannot be run: {error.strerror}.") from error
