"""What the faults of the moment make of the deliveries laid out."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .companions import add_foreign, add_live_copy, add_thin, add_twin
from .events import body_of, deliver_again
from .faults import Fault, usual_fault
from .old_shapes import as_of_old
from .state import JsonObject, State

# What comes before the event itself, and is spared by all other faults.
COMPANIONS: dict[str, Callable[[State, JsonObject], str]] = {
    "foreign": add_foreign,
    "livemode": add_live_copy,
    "thin": add_thin,
}
STOPS = {"hold": "held", "drop": "dropped"}
SPOILERS = ("old", "future", "wrong_secret", "truncated")
# The longest delay that chaos makes.
LONGEST_DELAY_MS = 300


@dataclass(frozen=True)
class Trip:
    """Deliveries that one courier makes: one after the other, or at one moment."""

    keys: tuple[str, ...]
    wait: float = 0.0
    together: bool = False
    before_answer: bool = False


@dataclass(frozen=True)
class Strike:
    """A delivery with what strikes it."""

    state: State
    delivery: JsonObject
    event: JsonObject
    struck: dict[str, Fault]


def plan(state: State, keys: list[str]) -> list[Trip]:
    """Turn the deliveries laid out into trips; the caller holds the state's lock."""
    trips: list[Trip] = []
    shuffled: list[tuple[float, str]] = []
    before_answer = False
    for key in keys:
        delivery = state.find("deliveries", key)
        if delivery is None or delivery["status"] != "pending":
            continue
        strike = _strike(state, delivery)
        if strike is None:
            trips.append(Trip((key,)))
            continue
        trips += _companions(strike)
        if _stop(strike):
            continue
        _spoil(strike)
        if "reorder" in strike.struck:
            shuffled.append((_rank(strike, len(shuffled)), key))
            before_answer |= "before_answer" in strike.struck
            trips += _copies(strike)
        else:
            trips += [_own_trip(strike), *_copies(strike)]
    if shuffled:
        row = tuple(key for _rank, key in sorted(shuffled))
        trips.append(Trip(row, before_answer=before_answer))
    return trips


def _strike(state: State, delivery: JsonObject) -> Strike | None:
    """Give what strikes a delivery; companions of an earlier run have no event."""
    event = state.find("events", delivery["event"])
    if event is None:
        return None
    struck = {
        deed.do: deed
        for fault in state.faults.take("webhooks", type=delivery["type"])
        for deed in _deeds(fault, delivery["type"])
    }
    if not struck:
        return None
    state.change("deliveries", delivery, faults=sorted(struck))
    return Strike(state, delivery, event, struck)


def _deeds(fault: Fault, kind: str) -> Iterator[Fault]:
    """Give the fault itself, or those that chaos throws at this event.

    Chaos draws anew from its seed for the n-th event of each type, so that the order in
    which events of other types come along changes nothing.
    """
    fault.seen[kind] += 1
    if fault.do != "chaos":
        yield fault
        return
    luck = random.Random(f"{fault.seed}:{kind}:{fault.seen[kind]}")  # noqa: S311
    for do, rate in sorted(fault.rates.items()):
        strikes, ms = luck.random() < rate, luck.randrange(LONGEST_DELAY_MS)
        if strikes:
            deed = usual_fault("webhooks", do, ms=ms, seed=fault.seed or 0)
            deed.seen = fault.seen
            yield deed


def _companions(strike: Strike) -> list[Trip]:
    return [
        Trip((add(strike.state, strike.delivery),))
        for do, add in COMPANIONS.items()
        if do in strike.struck
    ]


def _stop(strike: Strike) -> bool:
    for do, status in STOPS.items():
        if do in strike.struck:
            strike.state.change("deliveries", strike.delivery, status=status)
            return True
    return False


def _spoil(strike: Strike) -> None:
    """Note what its attempts are to do wrong, and the body where it is another."""
    state, key = strike.state, strike.delivery["id"]
    spoilers = [
        {"do": do, "seconds": deed.seconds, "attempts": deed.attempts}
        for do, deed in strike.struck.items()
        if do in SPOILERS
    ]
    if spoilers:
        state.note(key, spoilers=spoilers)
    if "old_shape" in strike.struck:
        state.note(key, body=body_of(as_of_old(state, strike.event)))


def _own_trip(strike: Strike) -> Trip:
    key, struck = strike.delivery["id"], strike.struck
    more: list[JsonObject] = []
    if "concurrent" in struck:
        copies = struck["concurrent"].copies - 1
        more = deliver_again(strike.state, strike.delivery, strike.event, copies)
    return Trip(
        (key, *(row["id"] for row in more)),
        wait=struck["delay"].ms / 1000 if "delay" in struck else 0.0,
        together=bool(more),
        before_answer="before_answer" in struck,
    )


def _copies(strike: Strike) -> Iterator[Trip]:
    if "duplicate" in strike.struck:
        copies = strike.struck["duplicate"].copies
        for row in deliver_again(strike.state, strike.delivery, strike.event, copies):
            yield Trip((row["id"],))
    if "twin" in strike.struck:
        yield Trip((add_twin(strike.state, strike.delivery),))


def _rank(strike: Strike, place: int) -> float:
    """Give a delivery's place among those that are reordered."""
    fault, kind = strike.struck["reorder"], strike.delivery["type"]
    if fault.seed is None:
        return -place
    return random.Random(f"{fault.seed}:{kind}:{fault.seen[kind]}").random()  # noqa: S311
