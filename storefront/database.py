"""How the pool connects: nothing waits for ever, and no value gets into a log."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

import psycopg2
from psycopg2 import errors, extensions
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from storefront.errors import SettingsError
from storefront.settings import Settings

CONNECT_SECONDS = 3.0
# The server ends a statement first; only one that is frozen, or cut off, does not.
STATEMENT_SECONDS = 5
SILENCE_SECONDS = STATEMENT_SECONDS + 0.5
# After a shorter rest it is enough that the line says nothing: an end is heard on it.
REST_SECONDS = 0.1
CONNECTED = (extensions.STATUS_READY, extensions.STATUS_BEGIN)

_unasked: ContextVar[bool] = ContextVar("unasked", default=False)


class DatabaseSilent(psycopg2.OperationalError):
    """Postgres has said nothing for too long; asked again, it would not either."""


def takes_no_changes(error: BaseException) -> bool:
    """Tell whether it was a replica that was asked, or a server that was set so.

    Either is so for a moment, as where a replica is to take over.
    """
    return isinstance(error, errors.ReadOnlySqlTransaction)


@event.listens_for(Engine, "handle_error")
def _call_it_away(context: ExceptionContext) -> None:
    """Have a server that takes no changes count as one that is away: it comes back."""
    error = context.original_exception
    if takes_no_changes(error):
        raise OperationalError(context.statement, None, error, hide_parameters=True)


def engine_options(settings: Settings) -> dict[str, object]:
    """Give the engine's options; without a database, using one is a clear error."""
    if settings.database_url is None:
        return {"creator": _no_database}
    extensions.set_wait_callback(_wait_a_while)
    return {
        # Enough for threads and jobs: who waits for Stripe holds none. What goes beyond
        # would connect anew each time, and that costs more than most requests do.
        "pool_size": 40,
        "max_overflow": 0,
        # The one in use last need hardly be asked whether it stands.
        "pool_use_lifo": True,
        "pool_timeout": 5,
        "hide_parameters": True,
        "connect_args": {
            "application_name": "storefront",
            "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=4s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    }


def _wait_a_while(connection: Any) -> None:
    """Wait for Postgres as the driver would, but not for ever.

    TCP cannot tell that a server is frozen: its machine goes on acknowledging.

    :raises DatabaseSilent: after a silence; the driver then closes the connection.
    """
    connected = connection.status in CONNECTED
    ends = time.monotonic() + (SILENCE_SECONDS if connected else CONNECT_SECONDS)
    while (state := connection.poll()) != extensions.POLL_OK:
        line = [connection.fileno()]
        reads = line if state == extensions.POLL_READ else []
        writes = line if state == extensions.POLL_WRITE else []
        left = ends - time.monotonic()
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            raise DatabaseSilent("The database is silent.")


@contextmanager
def unasked() -> Iterator[None]:
    """Have connections lent as they are, for who can ask once more if one is gone."""
    token = _unasked.set(True)
    try:
        yield
    finally:
        _unasked.reset(token)


@event.listens_for(Pool, "checkin")
def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _ask_whether_it_stands(
    connection: Any, record: ConnectionPoolEntry, _: Any
) -> None:
    """Look at a connection before it is lent: Postgres may have been started anew.

    As `pool_pre_ping` does, which knows no exceptions.

    :raises InvalidatePoolError: it is gone, and so are those that rested with it; the
        pool then connects anew.
    """
    used_at = record.info.get("used_at")
    if used_at is None or _unasked.get():
        return
    if time.monotonic() - used_at < REST_SECONDS and _is_quiet(connection):
        return
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.autocommit = False
    except psycopg2.Error as error:
        raise InvalidatePoolError from error


def _is_quiet(connection: Any) -> bool:
    return not any(select.select([connection.fileno()], [], [], 0))


def wait_for_ever() -> None:
    """Let this process' statements take their time: migrations bring own limits."""
    extensions.set_wait_callback(None)


def _no_database() -> NoReturn:
    raise SettingsError(
        "DATABASE_URL is not set, and no demo is running here: set it, or run "
        "`make run` first."
    )
