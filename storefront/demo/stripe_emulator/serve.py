"""Serving the emulator: in the foreground for people, in a thread for tests."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from .app import create_emulator
from .config import EmulatorConfig
from .guard import is_loopback
from .machine import EXTENSION, Machine
from .state import State

# A kept-alive connection that says nothing for so long is closed.
IDLE_SECONDS = 60


class QuietHandler(WSGIRequestHandler):
    """Keep connections alive and write no access log."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing of connections that ended early."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str
    machine: Machine
    server: BaseWSGIServer
    thread: threading.Thread

    @property
    def state(self) -> State:
        """Give the emulated account."""
        return self.machine.state

    def stop(self) -> None:
        """End it; safe to repeat."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.machine.stop()


def start_emulator(
    host: str = "127.0.0.1", port: int = 0, config: EmulatorConfig | None = None
) -> Emulator:
    """Serve from a thread; port 0 takes a free one.

    :raises ValueError: the host is not loopback, and remote use was not asked for
    """
    config = config or EmulatorConfig()
    if not (is_loopback(host) or config.allow_remote):
        raise ValueError(f"The emulator serves on loopback only, not on {host}.")
    app = create_emulator(config)
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler)
    machine: Machine = app.extensions[EXTENSION]
    name = f"[{host}]" if ":" in host else host
    machine.state.origin = f"http://{name}:{server.port}"
    machine.start()
    thread = threading.Thread(
        target=server.serve_forever,
        kwargs={"poll_interval": 0.05},
        name="emulator-server",
        daemon=True,
    )
    thread.start()
    return Emulator(machine.state.origin, machine, server, thread)


@contextmanager
def running_emulator(
    host: str = "127.0.0.1",
    port: int = 0,
    config: EmulatorConfig | None = None,
    **settings: Any,
) -> Iterator[Emulator]:
    """Serve from a thread until the block ends; settings are those of the config."""
    config = replace(config or EmulatorConfig(), **settings)
    emulator = start_emulator(host, port, config)
    try:
        yield emulator
    finally:
        emulator.stop()


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ready: Callable[[str], None] | None = None,
    config: EmulatorConfig | None = None,
    **settings: Any,
) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the URL once it listens."""
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    before = {number: signal.signal(number, end) for number in ENDINGS}
    try:
        with running_emulator(host, port, config, **settings) as emulator:
            if ready:
                ready(emulator.url)
            over.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


ENDINGS = (signal.SIGTERM, signal.SIGINT)
