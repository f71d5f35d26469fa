"""Long random tests in parts, each with a seed of its own, for workers to share."""

from math import ceil
from typing import Any

import pytest


def shards(total: int, most: int) -> list[Any]:
    """Give as many parameters as parts of at most `most` are needed for all of it.

    Each is the number of its part, from 1, and names it to who spreads the tests.
    """
    count = ceil(total / most)
    return [pytest.param(part, id=f"shard{part}") for part in range(1, count + 1)]
