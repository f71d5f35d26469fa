"""List operations: the filters they share, newest first, one page at a time.

Stripe: Pagination (docs api/pagination).
"""

import operator
from collections.abc import Callable
from typing import Any

from .errors import ApiError, parameter_invalid, resource_missing
from .expanding import list_object
from .state import JsonObject

USUAL_LIMIT = 10
GREATEST_LIMIT = 100
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def newest_first(
    rows: list[JsonObject], params: dict[str, Any], *equal: str
) -> list[JsonObject]:
    """Give the rows made in the span asked for, whose `equal` members agree."""
    span = params.get("created", {})
    wanted = {name: params[name] for name in equal if name in params}
    return [
        row
        for row in reversed(rows)
        if all(COMPARISONS[how](row["created"], at) for how, at in span.items())
        and all(row.get(name) == value for name, value in wanted.items())
    ]


def page(rows: list[JsonObject], params: dict[str, Any], url: str) -> JsonObject:
    """Cut the page that was asked for.

    :raises ApiError: the limit or the cursor is not one (400)
    """
    limit = _limit(params)
    if "starting_after" in params and "ending_before" in params:
        message = "You cannot parse both ending_before and starting_after."
        raise ApiError(message, code="parameters_exclusive", param="starting_after")
    if "starting_after" in params:
        rows = rows[_place(rows, params, "starting_after") + 1 :]
    if "ending_before" in params:
        rows = rows[: _place(rows, params, "ending_before")]
        return list_object(rows[-limit:], url, more=len(rows) > limit)
    return list_object(rows[:limit], url, more=len(rows) > limit)


def _limit(params: dict[str, Any]) -> int:
    limit = int(params.get("limit", USUAL_LIMIT))
    if not 1 <= limit <= GREATEST_LIMIT:
        message = f"The limit must be between 1 and {GREATEST_LIMIT}; it is {limit}."
        raise parameter_invalid(message, "limit", "parameter_invalid_integer")
    return limit


def _place(rows: list[JsonObject], params: dict[str, Any], name: str) -> int:
    for at, row in enumerate(rows):
        if row["id"] == params[name]:
            return at
    raise resource_missing("object", params[name], param=name, status=400)
