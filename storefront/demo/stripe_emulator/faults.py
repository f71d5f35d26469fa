"""Faults on demand: what goes wrong, where, and how many times.

A fault is one JSON object:

    {"where": "api", "do": "delay", "ms": 500, "method": "POST", "path": "/v1/refunds"}
    {"where": "api", "do": "answer", "status": 503, "times": 2}
    {"where": "webhooks", "do": "hold", "type": "checkout.session.*"}

`path`, `method` and `type` are patterns (`*`), all by default. `times` is how often it
strikes, for ever by default. The deeds, with the members of their own:

- api `delay`: `ms`; the answer comes late.
- api `answer`: `status`; an error instead of the answer. `html`: a gateway's page in
  place of JSON. `when`: "before" the work (default) or "after" it, so that the deed is
  done and nobody was told. `kept`: the answer is stored under the idempotency key.
- api `rewrite`: `members`; they replace those of the true answer.
- webhooks `delay`: `ms`. `hold`: kept back until released. `drop`: never sent.
"""

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .errors import ApiError

# Which members each deed takes, with the type each must have.
DEEDS: dict[tuple[str, str], dict[str, type]] = {
    ("api", "delay"): {"ms": int},
    ("api", "answer"): {"status": int, "html": bool, "when": str, "kept": bool},
    ("api", "rewrite"): {"members": dict},
    ("webhooks", "delay"): {"ms": int},
    ("webhooks", "hold"): {},
    ("webhooks", "drop"): {},
}
COMMON: dict[str, dict[str, type]] = {
    "api": {"where": str, "do": str, "times": int, "method": str, "path": str},
    "webhooks": {"where": str, "do": str, "times": int, "type": str},
}


@dataclass
class Fault:
    """One thing that goes wrong."""

    where: str
    do: str
    times: int | None = None
    method: str = "*"
    path: str = "*"
    type: str = "*"
    ms: int = 0
    status: int = 500
    html: bool = False
    when: str = "before"
    kept: bool = False
    members: dict[str, Any] = field(default_factory=dict)

    def strikes(self, facts: dict[str, str]) -> bool:
        """Say whether the fault is meant for what is about to happen."""
        if self.times == 0:
            return False
        return all(
            fnmatchcase(fact, getattr(self, name)) for name, fact in facts.items()
        )


def read_fault(raw: Any) -> Fault:
    """Build a fault from JSON.

    :raises ApiError: it is not one (400)
    """
    if not isinstance(raw, dict):
        raise ApiError("A fault is a JSON object.")
    where, do = str(raw.get("where")), str(raw.get("do"))
    deed = DEEDS.get((where, do))
    if deed is None:
        known = ", ".join(f"{place} {name}" for place, name in DEEDS)
        raise ApiError(f"A fault has `where` and `do`, one of: {known}.")
    kinds = COMMON[where] | deed
    for name, value in raw.items():
        if name not in kinds or not isinstance(value, kinds[name]):
            raise ApiError(f"The fault {where} {do} has no such `{name}`: {value!r}.")
    if raw.get("when", "before") not in ("before", "after"):
        raise ApiError('The `when` of a fault is "before" or "after".')
    return Fault(**raw)


class Faults:
    """The faults set at present."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def set(self, faults: list[Fault]) -> None:
        """Replace all faults by these."""
        with self._lock:
            self._faults = list(faults)

    def listed(self) -> list[Fault]:
        """Give the faults that may still strike."""
        with self._lock:
            return [fault for fault in self._faults if fault.times != 0]

    def take(self, where: str, **facts: str) -> list[Fault]:
        """Give the faults that strike now, and count them down."""
        with self._lock:
            struck = [
                fault
                for fault in self._faults
                if fault.where == where and fault.strikes(facts)
            ]
            for fault in struck:
                if fault.times is not None:
                    fault.times -= 1
            return struck
