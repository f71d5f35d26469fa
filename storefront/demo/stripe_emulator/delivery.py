"""The courier: takes events to the endpoints, and comes again until one says 2xx.

Stripe: Webhooks (docs webhooks): at least once, unordered; anything but 2xx is a
failure, redirects too; each attempt is signed with its own time.
"""

import heapq
import threading
import time
from typing import NamedTuple

import requests

from .clock import real_now
from .config import EmulatorConfig
from .faults import Faults
from .signing import signature_header, split_secrets
from .state import JsonObject, State

LONGEST_PAUSE = 3600.0
KEPT_OF_ANSWER = 500
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Connection": "close",
}


class Parcel(NamedTuple):
    """What one attempt carries, and where to."""

    delivery: JsonObject
    url: str
    body: bytes
    secrets: list[str]


class Courier:
    """A few threads that deliver what has been laid out, each when it is due.

    Lock order: the courier's own lock comes before the state's; nobody who holds the
    state's lock may call the courier.
    """

    def __init__(self, state: State, faults: Faults, config: EmulatorConfig) -> None:
        """Stand ready; `start` begins the work."""
        self._state = state
        self._faults = faults
        self._config = config
        self._due: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._at_work = 0
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
        """Take on the deliveries laid out since the last time."""
        with self._changed:
            with self._state.lock:
                laid_out = [self._take_on(key) for key in self._state.outbox]
                self._state.outbox.clear()
            for due in laid_out:
                if due:
                    heapq.heappush(self._due, due)
            self._changed.notify_all()

    def release(self) -> int:
        """Send what was held back; give how many deliveries that were."""
        with self._state.lock:
            held = self._with_status("held")
            for delivery in held:
                self._state.change("deliveries", delivery, status="pending")
        for delivery in held:
            self._schedule(delivery["id"], 0)
        return len(held)

    def forget(self) -> None:
        """Drop what was to be delivered, as the account has been emptied."""
        with self._changed:
            self._due.clear()
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

    def _is_idle(self, retries: bool) -> bool:
        if self._at_work or self._state.outbox:
            return False
        if retries:
            return not self._due
        return not self._due or self._due[0][0] > time.monotonic()

    def _take_on(self, key: str) -> tuple[float, str] | None:
        """Give when a delivery is due, or nothing where a fault keeps it back."""
        delivery = self._state.find("deliveries", key)
        if delivery is None:
            return None
        wait = 0.0
        for fault in self._faults.take("webhooks", type=delivery["type"]):
            if fault.do == "delay":
                wait += fault.ms / 1000
            else:
                status = "held" if fault.do == "hold" else "dropped"
                self._state.change("deliveries", delivery, status=status)
                return None
        return (time.monotonic() + wait, key)

    def _schedule(self, key: str, pause: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + pause, key))
            self._changed.notify_all()

    def _work(self) -> None:
        while (key := self._next()) is not None:
            try:
                self._attempt(key)
            finally:
                with self._changed:
                    self._at_work -= 1
                    self._changed.notify_all()

    def _next(self) -> str | None:
        """Wait for a delivery that is due; give None when the work is over."""
        with self._changed:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._at_work += 1
                    return heapq.heappop(self._due)[1]
                self._changed.wait(wait)
            return None

    def _attempt(self, key: str) -> None:
        parcel = self._pack(key)
        if parcel is None:
            return
        attempt = _post(parcel, self._config.delivery_timeout)
        with self._state.lock:
            pause = self._note(parcel.delivery, attempt)
        if pause is not None:
            self._schedule(key, pause)

    def _pack(self, key: str) -> Parcel | None:
        with self._state.lock:
            delivery = self._state.find("deliveries", key)
            if delivery is None or delivery["status"] != "pending":
                return None
            endpoint = self._state.endpoints.get(delivery["endpoint"])
            if endpoint is None:
                self._state.change("deliveries", delivery, status="canceled")
                return None
            body = self._state.noted(delivery["event"])["body"]
            secrets = split_secrets(endpoint["secret"])
            return Parcel(delivery, endpoint["url"], body.encode(), secrets)

    def _note(self, delivery: JsonObject, attempt: JsonObject) -> float | None:
        """Write an attempt down; give the pause before the next where one follows."""
        if self._state.find("deliveries", delivery["id"]) is not delivery:
            return None  # forgotten by a reset meanwhile
        attempts = [*delivery["attempts"], attempt]
        changes: JsonObject = {"attempts": attempts, "next_attempt_at": None}
        pause = None
        if _is_success(attempt):
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
        event = self._state.tables["events"][delivery["event"]]
        left = max(0, event["pending_webhooks"] - 1)
        self._state.change("events", event, pending_webhooks=left)

    def _pause_after(self, attempts: int) -> float:
        pause: float = self._config.first_pause * 2 ** (attempts - 1)
        return min(pause, LONGEST_PAUSE)


def _is_success(attempt: JsonObject) -> bool:
    return attempt["status"] is not None and 200 <= attempt["status"] < 300


def _post(parcel: Parcel, timeout: float) -> JsonObject:
    """Make one attempt; give what came of it."""
    began = real_now()
    signature = signature_header(parcel.body, parcel.secrets, int(began))
    outcome = _exchange(parcel, HEADERS | {"Stripe-Signature": signature}, timeout)
    return {"at": int(began), "seconds": round(real_now() - began, 3), **outcome}


def _exchange(parcel: Parcel, headers: dict[str, str], timeout: float) -> JsonObject:
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                parcel.url,
                data=parcel.body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                head = next(answer.iter_content(KEPT_OF_ANSWER), b"")
        except requests.RequestException as error:
            return {"status": None, "body": None, "error": type(error).__name__}
    text = head.decode("utf-8", "replace")
    return {"status": answer.status_code, "body": text, "error": None}
