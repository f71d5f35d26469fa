"""List operations: the filters they share, newest first, one page at a time.

Stripe: Pagination (docs api/pagination). A page costs what it goes through from its
cursor on, so that reading all pages costs one way through the table.
"""

import operator
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from .errors import ApiError, parameter_invalid, resource_missing
from .expanding import list_object
from .state import JsonObject
from .tables import INDEXED, Table

USUAL_LIMIT = 10
GREATEST_LIMIT = 100
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
Filter = Callable[[JsonObject], bool]


def page(
    table: Table, params: dict[str, Any], url: str, *equal: str, also: Filter = bool
) -> JsonObject:
    """Give the page that was asked for, newest first.

    On it are rows made in the span asked for, whose `equal` members agree, and which
    pass the filter besides.

    :raises ApiError: the limit or the cursor is not one (400)
    """
    limit = _limit(params)
    if "starting_after" in params and "ending_before" in params:
        message = "You cannot parse both ending_before and starting_after."
        raise ApiError(message, code="parameters_exclusive", param="starting_after")
    wanted = {name: params[name] for name in equal if name in params}
    span = params.get("created", {})
    found = (
        row
        for row in _from_cursor(_narrowed(table, wanted, params), params)
        if all(COMPARISONS[how](row["created"], at) for how, at in span.items())
        and all(row.get(name) == value for name, value in wanted.items())
        and also(row)
    )
    rows = list(islice(found, limit + 1))
    shown = rows[:limit]
    if "ending_before" in params:
        shown.reverse()
    return list_object(shown, url, more=len(rows) > limit)


def _narrowed(table: Table, wanted: dict[str, Any], params: dict[str, Any]) -> Table:
    """Give only the rows of the payment asked for, where the cursor is among them."""
    cursor = params.get("starting_after") or params.get("ending_before")
    for name in INDEXED:
        if name in wanted:
            few = Table(table.having(name, wanted[name]))
            return few if cursor is None or cursor in few else table
    return table


def _from_cursor(table: Table, params: dict[str, Any]) -> Iterator[JsonObject]:
    for name, way in (("starting_after", table.older), ("ending_before", table.newer)):
        if name in params:
            try:
                return way(params[name])
            except KeyError:
                raise resource_missing(
                    "object", params[name], param=name, status=400
                ) from None
    return table.older()


def _limit(params: dict[str, Any]) -> int:
    limit = int(params.get("limit", USUAL_LIMIT))
    if not 1 <= limit <= GREATEST_LIMIT:
        message = f"The limit must be between 1 and {GREATEST_LIMIT}; it is {limit}."
        raise parameter_invalid(message, "limit", "parameter_invalid_integer")
    return limit
