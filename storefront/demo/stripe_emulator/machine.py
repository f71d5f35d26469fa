"""The emulator's parts together, as the pages and the API reach them."""

import threading
from dataclasses import dataclass

from flask import Response, current_app

from . import refunds, sessions
from .config import EmulatorConfig
from .delivery import Courier
from .faults import Faults
from .idempotency import KeptAnswers
from .state import State

EXTENSION = "stripe_emulator"
# How often sessions are looked through for those whose time is over.
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Machine:
    """One emulated account and what works on it."""

    state: State
    courier: Courier
    kept: KeptAnswers
    stopped: threading.Event
    allow_remote: bool

    def start(self) -> None:
        """Begin to deliver and to let time pass."""
        with self.state.lock:
            sessions.move_pages(self.state)
        self.courier.start()
        threading.Thread(target=self._tick, name="emulator-clock", daemon=True).start()

    def stop(self) -> None:
        """End the threads and let go of the ledger file."""
        self.stopped.set()
        self.courier.stop()
        with self.state.lock:
            self.state.close()

    def forget(self, *, endpoints: bool) -> None:
        """Be an empty account again, by the real clock; endpoints go where told."""
        self.faults.set([])
        with self.state.lock:
            self.state.forget(endpoints=endpoints)
        self.courier.forget()

    @property
    def faults(self) -> Faults:
        """Give the faults set at present."""
        return self.state.faults

    def deliver_after(self, response: Response) -> Response:
        """Send the events of a request once its answer has gone out.

        Those that a fault wants before the answer are sent and waited for now.
        """
        self.courier.collect_before_answer()
        response.call_on_close(self.courier.collect)
        return response

    def _tick(self) -> None:
        while not self.stopped.wait(TICK_SECONDS):
            with self.state.lock:
                before = len(self.state.outbox)
                let_time_pass(self.state)
                happened = len(self.state.outbox) > before
            if happened:
                self.courier.collect()


def build_machine(config: EmulatorConfig) -> Machine:
    """Put the parts of one emulator together, at rest."""
    state = State(config)
    courier = Courier(state, config)
    kept = KeptAnswers(state)
    stopped = threading.Event()
    return Machine(state, courier, kept, stopped, config.allow_remote)


def machine() -> Machine:
    """Give the machine that the present request is for."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Machine)  # noqa: S101 - tells the type checker
    return found


def let_time_pass(state: State) -> None:
    """Do what is due by the emulated clock; the caller holds the lock.

    Stripe's times are whole seconds: within one, nothing new can become due.
    """
    if state.passed_at == state.now():
        return
    state.passed_at = state.now()
    sessions.expire_overdue(state)
    refunds.turn_due(state)
