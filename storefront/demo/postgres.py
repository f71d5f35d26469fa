"""An embedded Postgres: one server as a child of this process, gone with it.

It listens on the loopback address alone, on a port and with a password that are
kept from start to start.
"""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from storefront.demo.children import Child, last_lines, start_child
from storefront.demo.cluster import ROLE, Cluster, opened_cluster
from storefront.demo.errors import DemoError
from storefront.demo.ports import LOOPBACK, free_port
from storefront.demo.postgres_home import ENVIRONMENT

StopMode = Literal["smart", "fast", "immediate"]

STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
# Recovery after a crash reads the log since the last checkpoint.
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 15.0
# A port that was free a moment ago may be gone; three in a row are no accident.
PORTS_TO_TRY = 3


class EmbeddedPostgres:
    """A server over an opened cluster; it can be stopped and started again."""

    name = "database"

    def __init__(self, cluster: Cluster, settings: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._settings = settings
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Tell whether the server is there."""
        return self._child is not None and self._child.running

    @property
    def log(self) -> Path:
        """Give the file the server writes its log to."""
        return self._cluster.log

    def last_lines(self) -> str:
        """Give the end of the log."""
        return last_lines(self.log)

    @property
    def pid(self) -> int:
        """Give the process id of the server itself, not of its guard."""
        first_line, *_ = self._cluster.pid_file.read_text().splitlines()
        return int(first_line)

    def url(self, database: str = "storefront") -> str:
        """Give the address of a database on this server."""
        secret = quote(self._cluster.password, safe="")
        place = f"{LOOPBACK}:{self._cluster.port}"
        return f"postgresql://{ROLE}:{secret}@{place}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers.

        :raises DemoError: where it does not come up, with the end of its log.
        """
        for _ in range(PORTS_TO_TRY):
            self._cluster.port = free_port(self._cluster.port)
            self._child = self._launched()
            if self._answers():
                self._cluster.save()
                return
            self._child.stop()
            if "Address already in use" not in self.last_lines():
                break
        raise DemoError(
            f"Postgres did not start. The end of {self.log}:\n{self.last_lines()}"
        )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server. Safe to repeat.

        `smart` waits for clients, `fast` sends them away, `immediate` is a crash.
        """
        if self._child is None:
            return
        self._child.signal(STOP_SIGNALS[mode])
        self._child.wait(SECONDS_TO_STOP)
        self._child.stop()
        self._child = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again, on the same port if nobody took it meanwhile."""
        self.stop(mode)
        self.start()

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of the template where one is named."""
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._execute(create)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it, if it is there."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(drop.format(sql.Identifier(name)))

    def ensure_database(self, name: str) -> None:
        """Create a database unless it is there."""
        find = sql.SQL("SELECT 1 FROM pg_database WHERE datname = {}")
        if not self._execute(find.format(sql.Literal(name))):
            self.create_database(name)

    def _launched(self) -> Child:
        cluster = self._cluster
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(cluster.port),
            "unix_socket_directories": "",  # paths of sockets are short of room
            **self._settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return start_child(
            "Postgres",
            [cluster.programs / "postgres", "-D", cluster.data, *options],
            log=cluster.log,
            env=ENVIRONMENT,
            cwd=Path("/"),
            stop_signal=signal.SIGINT,
            account=cluster.account,
            keep=[cluster.lock],
        )

    def _answers(self) -> bool:
        deadline = time.monotonic() + SECONDS_TO_START
        while self.running and time.monotonic() < deadline:
            try:
                self._execute(sql.SQL("SELECT 1"))
            except psycopg2.OperationalError:
                time.sleep(0.01)
            else:
                return True
        return False

    def _execute(self, statement: sql.Composable) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(self.url("postgres"), connect_timeout=5)
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def embedded_postgres(
    state: Path, *, settings: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[EmbeddedPostgres]:
    """Run a server over the folder `state`, made at the first start.

    :raises DemoError: where it cannot be had; the message says what to do.
    """
    with opened_cluster(state, log or state.with_name(f"{state.name}.log")) as cluster:
        server = EmbeddedPostgres(cluster, settings or {})
        try:
            server.start()
            server.ensure_database("storefront")
            yield server
        finally:
            server.stop()
