"""A pool of psycopg2's own, with a connection for each thread."""

import os

from psycopg2 import extensions
from psycopg2.pool import ThreadedConnectionPool

THREADS = 40


class Connection(extensions.connection):
    """A connection on which each statement is a transaction."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)
        self.autocommit = True


def new_pool() -> ThreadedConnectionPool:
    """Connect as often as a worker may ask at once."""
    return ThreadedConnectionPool(
        THREADS, THREADS, os.environ["DATABASE_URL"], connection_factory=Connection
    )
