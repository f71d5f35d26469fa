"""All that the emulated account holds, in tables behind one lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .clock import EmulatedClock, real_now
from .config import EmulatorConfig
from .faults import Faults
from .ids import IdMaker
from .ledger import DeedLock, Ledger, read_ledger
from .tables import JsonObject, Table

__all__ = ["NO_CAUSE", "TABLES", "JsonObject", "State"]

TABLES = (
    "sessions",
    "payment_intents",
    "charges",
    "refunds",
    "disputes",
    "balance_transactions",
    "products",
    "events",
    "deliveries",
    "notes",
    "kept_answers",
)
NO_CAUSE: JsonObject = {"id": None, "idempotency_key": None}


class State:
    """Tables of Stripe's objects, oldest first; hold `lock` for whatever touches them.

    What is changed while the lock is held is one deed: the ledger file gets all of it
    when the lock is let go of, or nothing.

    `notes` keeps what Stripe knows of an object and does not show (a session's line
    items, the fate of a refund), under the object's id.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        """Start empty, or where the ledger file of an earlier run ended."""
        self.lock = DeedLock(self._write_deed)
        self.faults = Faults()
        self.origin = config.origin
        self.cause = NO_CAUSE
        self.outbox: list[str] = []
        self.passed_at = 0
        self.endpoints: dict[str, JsonObject] = {}
        self.tables = {name: Table() for name in TABLES}
        self._deed: dict[tuple[str, str], JsonObject] = {}
        self._speed = config.clock_speed
        self._ledger: Ledger | None = None
        ahead = self._restore(config.ledger) if config.ledger else 0.0
        self._ledger = Ledger(config.ledger) if config.ledger else None
        self.clock = EmulatedClock(config.clock_speed, ahead)
        made = sum(len(table) for table in self.tables.values())
        self.ids = IdMaker(config.seed, made)
        for url, secret in config.endpoints:
            self.add_endpoint(url, secret)

    def now(self) -> int:
        """Give the emulated time."""
        return self.clock.now()

    def put(self, table: str, row: JsonObject) -> JsonObject:
        """Keep a row under its id, in memory and in the ledger file."""
        self.tables[table][row["id"]] = row
        self._write((table, row["id"]), {"table": table, "row": row})
        return row

    def change(self, table: str, row: JsonObject, **members: Any) -> JsonObject:
        """Set members of a row; give what those that changed were before."""
        before = {
            name: row[name] for name, value in members.items() if row[name] != value
        }
        row.update(members)
        self.put(table, row)
        return before

    def find(self, table: str, key: str) -> JsonObject | None:
        """Give the row of that id, or None."""
        return self.tables[table].get(key)

    def rows(self, table: str) -> list[JsonObject]:
        """Give a table's rows, oldest first."""
        return list(self.tables[table].values())

    def note(self, key: str, **members: Any) -> JsonObject:
        """Add to what is known behind the scenes of the object with this id."""
        note = self.tables["notes"].get(key, {"id": key}) | members
        return self.put("notes", note)

    def noted(self, key: str) -> JsonObject:
        """Give what is known behind the scenes of the object with this id."""
        return self.tables["notes"].get(key, {})

    def add_endpoint(
        self, url: str, secret: str, enabled_events: Sequence[str] = ("*",)
    ) -> JsonObject:
        """Deliver events of these types (all by default) from now on to this URL too.

        Endpoints are numbered, so that deliveries left over from an earlier run find
        the endpoint that took the same place in this one.
        """
        number = len(self.endpoints) + 1
        while f"we_{number}" in self.endpoints:
            number += 1
        endpoint: JsonObject = {
            "id": f"we_{number}",
            "url": url,
            "secret": secret,
            "enabled_events": list(enabled_events),
        }
        self.endpoints[endpoint["id"]] = endpoint
        return endpoint

    def advance_clock(self, seconds: float) -> None:
        """Move the emulated time ahead."""
        self.clock.advance(seconds)
        self._write_clock()

    def run_clock_at(self, speed: float) -> None:
        """Let the emulated time run at another speed."""
        self.clock.run_at(speed)
        self._write_clock()

    def forget(self, *, endpoints: bool = False) -> None:
        """Empty the account; the endpoints stay unless they are to go as well."""
        for table in self.tables.values():
            table.clear()
        self.outbox.clear()
        self.clock = EmulatedClock(self._speed)
        if endpoints:
            self.endpoints.clear()
        self._deed.clear()
        self._write(("reset", ""), {"reset": True})

    def shown(self, only: Sequence[str] = ()) -> dict[str, list[JsonObject]]:
        """Give what an outside checker may see: all but the notes, or some tables.

        The rows are the account's own, to be written down before the lock is let go.
        """
        public = [name for name in TABLES if name not in ("notes", "kept_answers")]
        return {name: self.rows(name) for name in public if not only or name in only}

    def close(self) -> None:
        """Let go of the ledger file."""
        if self._ledger:
            self._ledger.close()
            self._ledger = None

    def _write_clock(self) -> None:
        ahead = {"clock": self.clock.ahead(), "at": real_now()}
        self._write(("clock", ""), ahead)

    def _write(self, what: tuple[str, str], change: JsonObject) -> None:
        """Add a change to the deed; a row that changes twice is written once."""
        if self._ledger:
            self._deed[what] = change

    def _write_deed(self) -> None:
        if self._deed and self._ledger:
            self._ledger.write(list(self._deed.values()))
        self._deed.clear()

    def _restore(self, path: Path) -> float:
        """Read the ledger file; give how far the clock was ahead."""
        ahead = 0.0
        for line in read_ledger(path):
            if "reset" in line:
                self.tables = {name: Table() for name in TABLES}
                ahead = 0.0
            elif "clock" in line:
                ahead = line["clock"]
            else:
                self.put(line["table"], line["row"])
        return ahead
