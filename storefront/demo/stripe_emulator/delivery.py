"""The courier: takes events to the endpoints, and comes again until one says 2xx.

Stripe: Webhooks (docs webhooks): at least once, unordered; anything but 2xx is a
failure. What faults make of a delivery is `webhook_faults`' business.
"""

import heapq
import random
import threading
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from itertools import count

from .clock import real_now
from .config import EmulatorConfig
from .posting import Parcel, is_success, post, spoil
from .signing import split_secrets
from .state import JsonObject, State
from .webhook_faults import Trip, plan

LONGEST_PAUSE = 3600.0
LayOut = Callable[[], list[JsonObject]]


class Courier:
    """A few threads that deliver what has been laid out, each when it is due.

    Lock order: the courier's own lock comes before the state's; nobody who holds the
    state's lock may call the courier.
    """

    def __init__(self, state: State, config: EmulatorConfig) -> None:
        """Stand ready; `start` begins the work."""
        self._state = state
        self._config = config
        self._due: list[tuple[float, int, Trip]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._at_work = 0
        self._awaited: set[str] = set()
        self._stopped = False

    def start(self) -> None:
        """Begin, with what an earlier run left undelivered first."""
        with self._state.lock:
            left = self._with_status("pending")
            self._state.outbox[:0] = [row["id"] for row in left]
        for number in range(self._config.couriers):
            name = f"emulator-courier-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self.collect()

    def stop(self) -> None:
        """Take on nothing more; attempts under way end by themselves."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def collect(self) -> None:
        """Take on what was laid out since the last time."""
        with self._changed:
            for trip in self._plan():
                self._push(trip)
            # Where all of it was held back, nothing is left to wait for.
            self._changed.notify_all()

    def send_together(
        self, lay_out: Callable[[], list[JsonObject]]
    ) -> list[JsonObject]:
        """Lay deliveries out and make all of them at the same moment; give them.

        Nobody else may take them on in between.
        """
        with self._changed:
            self.collect()
            with self._state.lock:
                laid_out = lay_out()
                trips = self._plan()
            keys = [key for trip in trips for key in trip.keys]
            self._push(Trip(tuple(keys), together=True))
        return laid_out

    def collect_before_answer(self) -> None:
        """Take on what was laid out, and wait for what is to come before an answer."""
        if not self._state.faults.may("before_answer"):
            return
        self.collect()
        with self._changed:
            longest = self._config.delivery_timeout
            self._changed.wait_for(lambda: not self._awaited, longest)

    def release(
        self,
        kinds: Iterable[str] = ("*",),
        *,
        together: bool = False,
        seed: int | None = None,
    ) -> int:
        """Send what was held back, one after the other; give how many that were.

        The order is that of the types (patterns) and within them that of the events;
        with a seed it is shuffled, and `together` sends all at one moment.
        """
        self.collect()
        with self._state.lock:
            held = self._held(kinds)
            for delivery in held:
                self._state.change("deliveries", delivery, status="pending")
        keys = [delivery["id"] for delivery in held]
        if seed is not None:
            random.Random(seed).shuffle(keys)  # noqa: S311 - an order, no secret
        with self._changed:
            self._push(Trip(tuple(keys), together=together))
        return len(held)

    def forget(self) -> None:
        """Drop what was to be delivered, as the account has been emptied."""
        with self._changed:
            self._due.clear()
            self._awaited.clear()
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float, *, retries: bool = True) -> bool:
        """Wait until nothing is left to deliver; say whether that came in time.

        Without `retries`, attempts that wait for their next time do not count.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._is_idle(retries), timeout)

    def pending(self) -> int:
        """Give how many deliveries are still to be made."""
        with self._state.lock:
            return len(self._with_status("pending"))

    def _with_status(self, status: str) -> list[JsonObject]:
        rows = self._state.rows("deliveries")
        return [row for row in rows if row["status"] == status]

    def _held(self, kinds: Iterable[str]) -> list[JsonObject]:
        held = {row["id"]: row for row in self._with_status("held")}
        return [
            held.pop(row["id"])
            for kind in kinds
            for row in list(held.values())
            if fnmatchcase(row["type"], kind)
        ]

    def _is_idle(self, retries: bool) -> bool:
        if self._at_work or self._state.outbox:
            return False
        if retries:
            return not self._due
        return not self._due or self._due[0][0] > time.monotonic()

    def _plan(self) -> list[Trip]:
        with self._state.lock:
            trips = plan(self._state, self._state.outbox)
            self._state.outbox.clear()
            return trips

    def _push(self, trip: Trip) -> None:
        """Take a trip on; the caller holds the courier's lock."""
        due = time.monotonic() + trip.wait
        heapq.heappush(self._due, (due, next(self._numbers), trip))
        if trip.before_answer:
            self._awaited.update(trip.keys)
        self._changed.notify_all()

    def _work(self) -> None:
        while (trip := self._next()) is not None:
            try:
                self._make(trip)
            finally:
                with self._changed:
                    self._at_work -= 1
                    self._awaited.difference_update(trip.keys)
                    self._changed.notify_all()

    def _next(self) -> Trip | None:
        """Wait for a trip that is due; give None when the work is over."""
        with self._changed:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._at_work += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def _make(self, trip: Trip) -> None:
        if not trip.together:
            for key in trip.keys:
                if parcel := self._pack(key):
                    self._attempt(parcel)
            return
        parcels = [parcel for key in trip.keys if (parcel := self._pack(key))]
        start = threading.Barrier(len(parcels) or 1)
        threads = [
            threading.Thread(target=self._attempt, args=(parcel, start), daemon=True)
            for parcel in parcels
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _attempt(self, parcel: Parcel, start: threading.Barrier | None = None) -> None:
        if start:
            start.wait()
        attempt = post(parcel, self._config.delivery_timeout)
        with self._state.lock:
            pause = self._note(parcel.delivery, attempt)
        if pause is not None:
            with self._changed:
                self._push(Trip((parcel.delivery["id"],), wait=pause))

    def _pack(self, key: str) -> Parcel | None:
        with self._state.lock:
            delivery = self._state.find("deliveries", key)
            if delivery is None or delivery["status"] != "pending":
                return None
            endpoint = self._state.endpoints.get(delivery["endpoint"])
            if endpoint is None:
                self._state.change("deliveries", delivery, status="canceled")
                return None
            note = self._state.noted(delivery["event"]) | self._state.noted(key)
            secrets = split_secrets(endpoint["secret"])
            parcel = Parcel(delivery, endpoint["url"], note["body"].encode(), secrets)
            return spoil(parcel, note.get("spoilers", []))

    def _note(self, delivery: JsonObject, attempt: JsonObject) -> float | None:
        """Write an attempt down; give the pause before the next where one follows."""
        if self._state.find("deliveries", delivery["id"]) is not delivery:
            return None  # forgotten by a reset meanwhile
        attempts = [*delivery["attempts"], attempt]
        changes: JsonObject = {"attempts": attempts, "next_attempt_at": None}
        pause = None
        if is_success(attempt):
            changes["status"] = "delivered"
            self._count_down(delivery)
        elif len(attempts) >= self._config.attempt_limit:
            changes["status"] = "failed"
        else:
            pause = self._pause_after(len(attempts))
            changes["next_attempt_at"] = int(real_now() + pause)
        self._state.change("deliveries", delivery, **changes)
        return pause

    def _count_down(self, delivery: JsonObject) -> None:
        event = self._state.find("events", delivery["event"])
        if event:
            left = max(0, event["pending_webhooks"] - 1)
            self._state.change("events", event, pending_webhooks=left)

    def _pause_after(self, attempts: int) -> float:
        pause: float = self._config.first_pause * 2 ** (attempts - 1)
        return min(pause, LONGEST_PAUSE)
