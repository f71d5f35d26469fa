"""How long customers wait while a large shop is migrated: `python -m bench.migrations`.

A database at the oldest revision that holds orders is filled, and each later migration
is run while others write to it. At the head a filled shop is taken back first.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, sleep

import psycopg2
from alembic.script import ScriptDirectory

from bench.orders import downgrade, empty_shop, fill, upgrade

FOLDER = Path(__file__).parents[1] / "migrations"
# From here on there are orders, attempts, events and letters.
OLDEST = "0008"
PAUSE_SECONDS = 0.05
# Each a row of its own that it changes and changes again, by its key.
WRITES = {
    "orders": "UPDATE orders SET note = note WHERE id = '{}'",
    "checkout_attempts": "UPDATE checkout_attempts SET asked_at = asked_at"
    " WHERE id = '{}'",
    "letters": "UPDATE letters SET tries = tries WHERE id = '{}'",
    "stripe_events": "UPDATE stripe_events SET deliveries = deliveries WHERE id = '{}'",
}


@dataclass(slots=True)
class Waits:
    """The longest that a write had to wait, in seconds, by table."""

    longest: dict[str, float] = field(default_factory=dict)

    def note(self, table: str, seconds: float) -> None:
        """Note how long one write has taken."""
        self.longest[table] = max(seconds, self.longest.get(table, 0.0))


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration as it went, in seconds; `waits`: the longest of the writers."""

    revision: str
    seconds: float
    waits: dict[str, float]


def measure(database_url: str) -> Iterator[Migration]:
    """Run each migration that is left while a writer goes on for each table."""
    scripts = ScriptDirectory(str(FOLDER))
    revisions = [one.revision for one in scripts.walk_revisions()][::-1]
    for revision in revisions[revisions.index(OLDEST) + 1 :]:
        with _writing(database_url) as waits:
            begun = perf_counter()
            upgrade(database_url, revision)
            seconds = perf_counter() - begun
        yield Migration(revision, seconds, waits.longest)


def go_back(database_url: str) -> None:
    """Take a filled shop back to where it is migrated from."""
    downgrade(database_url, OLDEST)


@contextmanager
def _writing(database_url: str) -> Iterator[Waits]:
    """Write to each table, every 50 ms, until the block ends."""
    waits, ended = Waits(), threading.Event()
    threads = [
        threading.Thread(target=_write, args=(database_url, table, waits, ended))
        for table in WRITES
    ]
    for thread in threads:
        thread.start()
    sleep(4 * PAUSE_SECONDS)
    try:
        yield waits
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _write(database_url: str, table: str, waits: Waits, ended: threading.Event) -> None:
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT min(id::text) FROM {table}")  # noqa: S608 - ours
            ((key,),) = cursor.fetchall()
            statement = WRITES[table].format(key)
            while not ended.wait(PAUSE_SECONDS):
                begun = monotonic()
                cursor.execute(statement)
                waits.note(table, monotonic() - begun)


def main() -> None:
    """Fill a database of its own, migrate it, and say who waited how long."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory(prefix="storefront-bench-") as name:
        # Under root the server is another user, who has to pass through here.
        Path(name).chmod(0o711)
        with empty_shop(Path(name, "postgres")) as url:
            fill(url, orders, _say)
            go_back(url)
            for one in measure(url):
                waits = ", ".join(
                    f"{table} {1000 * longest:.0f} ms"
                    for table, longest in one.waits.items()
                )
                _say(f"{one.revision}: {one.seconds:.1f} s; longest waits: {waits}")


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a person waits for it


if __name__ == "__main__":
    main()
