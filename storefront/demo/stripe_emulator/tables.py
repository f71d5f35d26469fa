"""A table of objects: found by id, by the payment they belong to, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

JsonObject = dict[str, Any]
# Members by which rows are asked for so often that going through all is too slow. Once
# set, they never change.
INDEXED = ("payment_intent", "charge", "event")


class Table(dict[str, JsonObject]):
    """Rows by id, in the order in which they were made; none is ever taken out."""

    def __init__(self, rows: Iterable[JsonObject] = ()) -> None:
        """Start with these rows."""
        super().__init__()
        self._order: list[str] = []
        self._places: dict[str, int] = {}
        self._by: dict[tuple[str, str], dict[str, None]] = {}
        for row in rows:
            self[row["id"]] = row

    def __setitem__(self, key: str, row: JsonObject) -> None:
        """Keep a row, in its old place where it has one."""
        if key not in self._places:
            self._places[key] = len(self._order)
            self._order.append(key)
        for name in INDEXED:
            if isinstance(value := row.get(name), str):
                self._by.setdefault((name, value), {})[key] = None
        super().__setitem__(key, row)

    def clear(self) -> None:
        """Forget all rows."""
        super().clear()
        self._order.clear()
        self._places.clear()
        self._by.clear()

    def having(self, name: str, value: str) -> list[JsonObject]:
        """Give the rows with this value in an indexed member, oldest first."""
        return [self[key] for key in self._by.get((name, value), ())]

    def older(self, than: str | None = None) -> Iterator[JsonObject]:
        """Go from the row with this id (or the end) back to the oldest.

        :raises KeyError: there is no such row
        """
        place = len(self._order) if than is None else self._places[than]
        return (self[self._order[at]] for at in range(place - 1, -1, -1))

    def newer(self, than: str) -> Iterator[JsonObject]:
        """Go from the row with this id on to the newest.

        :raises KeyError: there is no such row
        """
        place = self._places[than]
        return (self[self._order[at]] for at in range(place + 1, len(self._order)))
