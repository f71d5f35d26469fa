"""All that the emulated account holds, in tables behind one lock."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

from .clock import EmulatedClock, real_now
from .config import EmulatorConfig
from .ids import IdMaker
from .ledger import Ledger, read_ledger

JsonObject = dict[str, Any]

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

    `notes` keeps what Stripe knows of an object and does not show (a session's line
    items, the fate of a refund), under the object's id.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        """Start empty, or where the ledger file of an earlier run ended."""
        self.lock = threading.RLock()
        self.origin = config.origin
        self.cause = NO_CAUSE
        self.outbox: list[str] = []
        self.passed_at = 0
        self.endpoints: dict[str, JsonObject] = {}
        self.tables: dict[str, dict[str, JsonObject]] = {name: {} for name in TABLES}
        self._speed = config.clock_speed
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
        self._write({"table": table, "row": row})
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

    def add_endpoint(self, url: str, secret: str) -> JsonObject:
        """Deliver events from now on to this URL too.

        Endpoints are numbered, so that deliveries left over from an earlier run find
        the endpoint that took the same place in this one.
        """
        number = len(self.endpoints) + 1
        while f"we_{number}" in self.endpoints:
            number += 1
        endpoint = {"id": f"we_{number}", "url": url, "secret": secret}
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
        self._write({"reset": True})

    def snapshot(self) -> dict[str, list[JsonObject]]:
        """Copy what an outside checker may see: everything but the notes."""
        shown = [name for name in TABLES if name not in ("notes", "kept_answers")]
        return {name: copy.deepcopy(self.rows(name)) for name in shown}

    def close(self) -> None:
        """Let go of the ledger file."""
        if self._ledger:
            self._ledger.close()
            self._ledger = None

    def _write_clock(self) -> None:
        self._write({"clock": self.clock.ahead(), "at": real_now()})

    def _write(self, line: JsonObject) -> None:
        if self._ledger:
            self._ledger.write(line)

    def _restore(self, path: Path) -> float:
        """Read the ledger file; give how far the clock was ahead."""
        ahead = 0.0
        for line in read_ledger(path):
            if "reset" in line:
                self.tables = {name: {} for name in TABLES}
                ahead = 0.0
            elif "clock" in line:
                ahead = line["clock"]
            else:
                self.tables[line["table"]][line["row"]["id"]] = line["row"]
        return ahead
