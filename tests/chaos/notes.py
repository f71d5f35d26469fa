"""What customers have seen: the answers they got, and what was promised to them."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

# A connection that was cut, refused or silent for too long.
CUT = 0


class Answer(NamedTuple):
    """One answer of the shop: when, in seconds since the beginning, to what."""

    at: float
    seconds: float
    deed: str
    status: int

    @property
    def is_order(self) -> bool:
        """Tell whether it acknowledged an order."""
        return self.deed == "checkout" and self.status in (201, 303)

    @property
    def is_error(self) -> bool:
        """Tell whether the customer has to try again."""
        return self.status == CUT or self.status >= 500


@dataclass
class Notes:
    """Written by many customers at once.

    `orders`: of each key that was answered 201 the order. `sessions`: those that a 201
    or a 303 led to. `paid`: orders that a page or the API called paid.
    """

    begun: float = field(default_factory=time.monotonic)
    answers: list[Answer] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Let one customer write at a time."""
        self._lock = threading.Lock()

    def now(self) -> float:
        """Give the seconds since the beginning."""
        return time.monotonic() - self.begun

    def answered(self, deed: str, status: int, seconds: float) -> None:
        """Note an answer. (Appending to a list needs no lock.)"""
        self.answers.append(Answer(self.now(), seconds, deed, status))

    def ended(self, how: str) -> None:
        """Note how a customer's visit has ended."""
        with self._lock:
            self.ends[how] += 1

    def errors(self) -> int:
        """Count the answers that customers had to try again after."""
        return sum(answer.is_error for answer in list(self.answers))
