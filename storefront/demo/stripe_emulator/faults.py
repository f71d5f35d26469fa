"""Faults on demand: what goes wrong, where, and how many times.

A fault is one JSON object:

    {"where": "api", "do": "delay", "ms": 500, "method": "POST", "path": "/v1/refunds"}
    {"where": "api", "do": "answer", "status": 503, "times": 2}
    {"where": "webhooks", "do": "hold", "type": "checkout.session.*"}

`path`, `method` and `type` are patterns (`*`), all by default. `times` is how often it
strikes, for ever by default. `when` is "before" the work (default) or "after" it, so
that the deed is done and nobody was told; the true answer is then kept under the
idempotency key, as at Stripe. The deeds, with the members of their own:

- api `delay`: `ms`, `when`; the answer comes late.
- api `answer`: `status`, `when`; an error instead of the answer. `code`: its error code
  (409 knows `lock_timeout`, the usual one, and `idempotency_key_in_use`). `html`: a
  gateway's page in place of JSON. `kept`: this answer is the one that is kept.
- api `rewrite`: `members`; they replace those of the true answer.
- api `timeout`: `ms` (60000), `when`; nothing comes, then the connection is closed.
- api `reset`: `when`; the connection is reset (RST) without a byte of answer.
- api `drip`: `ms`; the answer comes byte by byte, with so long a pause after each.
- api `pay`: `outcome`; the session that the call made or shows is paid before its
  answer goes out (with webhooks `before_answer`: before the shop knows the session).
- events `omit`: the fact happens, and no event tells it, not even in the list.
- webhooks `delay`: `ms`. `hold`: kept back until released. `drop`: never sent.
- webhooks `duplicate`: `copies` (1) more deliveries of the same event.
- webhooks `twin`: another event with an id of its own tells the same.
- webhooks `concurrent`: `copies` (2) deliveries of the event at the same moment.
- webhooks `reorder`: what one call caused arrives one after the other, backwards, or
  shuffled by a `seed`.
- webhooks `before_answer`: delivered before the call that caused it is answered.
- webhooks `old`, `future`: the signature's time is `seconds` (600) off;
  `wrong_secret`: signed with another secret; `truncated`: half the body, rightly
  signed. They spoil the first `attempts` (1) of a delivery.
- webhooks `old_shape`: the body as API 2022-08-01 told it, at every attempt.
- webhooks `foreign`, `livemode`, `thin`: before the event comes one of another project,
  a copy with livemode true, or a thin event; to have only those, drop the event too.
- webhooks `chaos`: `rates`, by deed, of how many deliveries each of the above strikes;
  the same `seed` strikes the same again (each type of event is counted by itself).
"""

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .errors import ApiError

# Which members each deed takes, with the type each must have.
DEEDS: dict[tuple[str, str], dict[str, type]] = {
    ("api", "delay"): {"ms": int, "when": str},
    ("api", "answer"): {
        "status": int,
        "code": str,
        "html": bool,
        "when": str,
        "kept": bool,
    },
    ("api", "rewrite"): {"members": dict},
    ("api", "timeout"): {"ms": int, "when": str},
    ("api", "reset"): {"when": str},
    ("api", "drip"): {"ms": int},
    ("api", "pay"): {"outcome": str},
    ("events", "omit"): {},
    ("webhooks", "delay"): {"ms": int},
    ("webhooks", "hold"): {},
    ("webhooks", "drop"): {},
    ("webhooks", "duplicate"): {"copies": int},
    ("webhooks", "twin"): {},
    ("webhooks", "concurrent"): {"copies": int},
    ("webhooks", "reorder"): {"seed": int},
    ("webhooks", "before_answer"): {},
    ("webhooks", "old"): {"seconds": int, "attempts": int},
    ("webhooks", "future"): {"seconds": int, "attempts": int},
    ("webhooks", "wrong_secret"): {"attempts": int},
    ("webhooks", "truncated"): {"attempts": int},
    ("webhooks", "old_shape"): {},
    ("webhooks", "foreign"): {},
    ("webhooks", "livemode"): {},
    ("webhooks", "thin"): {},
    ("webhooks", "chaos"): {"seed": int, "rates": dict},
}
EVERYWHERE: dict[str, type] = {"where": str, "do": str, "times": int}
COMMON: dict[str, dict[str, type]] = {
    "api": {**EVERYWHERE, "method": str, "path": str},
    "events": {**EVERYWHERE, "type": str},
    "webhooks": {**EVERYWHERE, "type": str},
}
# Where "none given" means something else than nothing at all.
USUAL: dict[str, dict[str, Any]] = {
    "timeout": {"ms": 60_000},
    "drip": {"ms": 5},
    "duplicate": {"copies": 1},
    "concurrent": {"copies": 2},
}
# More at once would be an exhaustion of this machine, not a test of the shop.
MOST_COPIES = 200


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
    code: str | None = None
    html: bool = False
    when: str = "before"
    kept: bool = False
    outcome: str = "paid"
    copies: int = 0
    seconds: int = 600
    attempts: int = 1
    seed: int | None = None
    members: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count what it has seen, by the type of event."""
        self.seen: Counter[str] = Counter()

    def strikes(self, facts: dict[str, str]) -> bool:
        """Say whether the fault is meant for what is about to happen."""
        if self.times == 0:
            return False
        return all(
            fnmatchcase(fact, getattr(self, name)) for name, fact in facts.items()
        )

    def is_one_of(self, do: str) -> bool:
        """Say whether it does that, itself or at a rate."""
        return self.do == do or self.rates.get(do, 0) > 0


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
    _check_values(raw)
    return usual_fault(**raw)


def usual_fault(where: str, do: str, **members: Any) -> Fault:
    """Give a fault with what is usual for its deed where nothing else is said."""
    return Fault(where, do, **(USUAL.get(do, {}) | members))


def _check_values(raw: dict[str, Any]) -> None:
    if raw.get("when", "before") not in ("before", "after"):
        raise ApiError('The `when` of a fault is "before" or "after".')
    if not 1 <= raw.get("copies", 1) <= MOST_COPIES:
        raise ApiError(f"The `copies` of a fault are 1 to {MOST_COPIES}.")
    for do, rate in raw.get("rates", {}).items():
        known = ("webhooks", do) in DEEDS and do != "chaos"
        if not (known and isinstance(rate, int | float) and 0 <= rate <= 1):
            raise ApiError(f"{do!r} at the rate {rate!r} is nothing for `chaos`.")


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

    def told(self) -> list[dict[str, Any]]:
        """Tell the faults that may still strike."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times != 0]

    def may(self, do: str) -> bool:
        """Say whether some fault may do that."""
        with self._lock:
            return any(one.times != 0 and one.is_one_of(do) for one in self._faults)

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
