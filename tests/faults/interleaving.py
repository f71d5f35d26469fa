"""Two deeds on a stage: one moves while the other stands still, statement by statement.

Each runs in a thread of its own and stops at every border: when it is lent a
connection, before a statement, before a commit, and when the connection is given back.
Who waits for a lock of the other's is seen in Postgres itself; then the turn passes.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from flask import Flask
from sqlalchemy import Engine, event

from storefront.extensions import db

Deed = Callable[[], Any]
# Looks whether a statement waits for a lock, this often.
GLANCE_SECONDS = 0.01
# Longer than any statement may take by the shop's own timeouts.
PATIENCE_SECONDS = 20.0
WITHOUT_END = 10**6


@dataclass
class Actor:
    """One deed under way. `backend`: its connection's process in Postgres."""

    moved: threading.Condition
    may_go: bool = False
    at_border: bool = False
    done: bool = False
    backend: int | None = None
    borders: int = 0
    seen: list[str] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """Tell whether it does nothing by itself at this moment."""
        return self.done or (self.at_border and not self.may_go)

    def stop_at(self, border: str, backend: int | None) -> None:
        """Wait here until it is let go."""
        with self.moved:
            self.backend = backend
            self.borders += 1
            self.seen.append(border)
            self.at_border = True
            self.moved.notify_all()
            assert self.moved.wait_for(lambda: self.may_go, PATIENCE_SECONDS)
            self.may_go = self.at_border = False

    def end(self) -> None:
        """Leave the stage."""
        with self.moved:
            self.done = True
            self.moved.notify_all()


class Stage:
    """Lets two deeds take turns."""

    def __init__(self, engine: Engine, watch: Any, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._watch = watch
        self._pool = pool
        self._moved = threading.Condition()
        self._actors: dict[int, Actor] = {}

    def play(self, deeds: Sequence[Deed], legs: Sequence[int]) -> list[Any]:
        """Run both deeds; give what each returned, or raise what one raised.

        :param deeds: two of them; the first begins.
        :param legs: so many borders the first passes, then so many the second, and so
            on; after the last leg the one whose turn it is runs to its end.
        """
        actors = [Actor(self._moved) for _ in deeds]
        ends = [
            self._pool.submit(self._perform, *pair)
            for pair in zip(actors, deeds, strict=True)
        ]
        try:
            self._direct(actors, legs)
        finally:
            self._dismiss(actors)
        return [end.result(PATIENCE_SECONDS) for end in ends]

    def stop_here(self, border: str, connection: Any) -> None:
        """Be a border for whoever is on the stage."""
        actor = self._actors.get(threading.get_ident())
        if actor:
            backend = connection.info.backend_pid if connection else None
            actor.stop_at(border, backend)

    def _perform(self, actor: Actor, deed: Deed) -> Any:
        self._actors[threading.get_ident()] = actor
        try:
            actor.stop_at("the beginning", None)
            return deed()
        finally:
            del self._actors[threading.get_ident()]
            actor.end()

    def _direct(self, actors: Sequence[Actor], legs: Sequence[int]) -> None:
        for actor in actors:
            self._settle(actor)
        now, then = actors
        waiting = list(legs)
        while not all(actor.done for actor in actors):
            self._run(now, then, waiting.pop(0) if waiting else WITHOUT_END)
            now, then = then, now

    def _run(self, now: Actor, then: Actor, borders: int) -> None:
        """Let one pass so many borders, or until it waits for the other."""
        for _ in range(borders):
            if not self._settle(now) or now.done:
                return
            with self._moved:
                now.may_go = True
                self._moved.notify_all()
            if not self._settle(now):
                return
            self._settle(then)

    def _settle(self, actor: Actor) -> bool:
        """Wait until an actor stands; False if it waits for a lock instead."""
        for _ in range(int(PATIENCE_SECONDS / GLANCE_SECONDS)):
            with self._moved:
                if self._moved.wait_for(lambda: actor.stands, GLANCE_SECONDS):
                    return True
            if self._waits_for_lock(actor):
                return False
        raise AssertionError(f"Nothing moves after {actor.seen[-1:]}.")

    def _waits_for_lock(self, actor: Actor) -> bool:
        with self._watch.cursor() as cursor:
            cursor.execute("SELECT pg_blocking_pids(%s) <> '{}'", [actor.backend or 0])
            return bool(cursor.fetchone()[0])

    def _dismiss(self, actors: Sequence[Actor]) -> None:
        """Let whoever is left run free, after a play that failed."""
        while not all(actor.done for actor in actors):
            with self._moved:
                for actor in actors:
                    actor.may_go = True
                self._moved.notify_all()
                self._moved.wait(GLANCE_SECONDS)


@contextmanager
def staged(app: Flask, database_url: str) -> Iterator[Stage]:
    """Put up a stage before the app's database."""
    with app.app_context():
        engine = db.engine
    watch = psycopg2.connect(database_url)
    watch.autocommit = True
    with ThreadPoolExecutor(2) as pool:
        stage = Stage(engine, watch, pool)
        borders = _borders(stage)
        for name, border in borders.items():
            event.listen(engine, name, border)
        try:
            yield stage
        finally:
            for name, border in borders.items():
                event.remove(engine, name, border)
            watch.close()


def _borders(stage: Stage) -> dict[str, Callable[..., None]]:
    def connection_lent(connection: Any, _record: Any, _proxy: Any) -> None:
        # Then it may wait for a lock by what goes to Postgres past the engine.
        stage.stop_here("lent", connection)

    def before_statement(
        connection: Any, _cursor: Any, statement: str, *_: object
    ) -> None:
        stage.stop_here(statement, connection.connection.dbapi_connection)

    def before_commit(connection: Any) -> None:
        stage.stop_here("COMMIT", connection.connection.dbapi_connection)

    def connection_given_back(_connection: Any, _record: Any) -> None:
        stage.stop_here("given back", None)

    return {
        "checkout": connection_lent,
        "before_cursor_execute": before_statement,
        "commit": before_commit,
        "checkin": connection_given_back,
    }
