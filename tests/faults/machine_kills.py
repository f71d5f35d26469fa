"""A process of the shop that is kept warm, so that dying at a place costs little."""

import logging
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import stripe
from flask.testing import FlaskClient

from storefront import create_app
from storefront.checkout import reconcile
from storefront.failpoints import arm
from storefront.settings import read_settings
from tests.factories.events import JsonObject
from tests.faults.dying import DEEDS, _processes, environment_of
from tests.fixtures.shop import Shop

LONGEST_DEED = 40.0


def ask_for(client: FlaskClient, key: str, body: JsonObject) -> None:
    """Check out under a key."""
    client.post("/api/checkout", json=body, headers={"Idempotency-Key": key})


ALL_DEEDS: dict[str, Any] = {**DEEDS, "ask_for": ask_for}


class Mortals:
    """Forks of a shop that do one deed each, and die at a named place if they reach it.

    The process they are forked from has made the app, and holds no connection.
    """

    def __init__(self, shop: Shop) -> None:
        """Start the process that waits for deeds."""
        self._line, there = _processes.Pipe()
        self._process = _processes.Process(
            target=_wait_for_deeds, args=(there, environment_of(shop)), daemon=True
        )
        self._process.start()
        there.close()

    def die(self, place: str, deed: str, *arguments: Any) -> bool:
        """Do a deed in a process of its own; whether it died at the place."""
        self._line.send((place, deed, arguments))
        assert self._line.poll(LONGEST_DEED), f"{deed} hangs"
        return bool(self._line.recv())

    def close(self) -> None:
        """End the process."""
        self._line.send(None)
        self._process.join(10)
        self._line.close()


def be_quick(patch: Callable[[object, str, float], None]) -> None:
    """Shorten the pauses that the shop makes between two calls to Stripe."""
    patch(stripe.HTTPClient, "INITIAL_DELAY", 0.005)
    patch(stripe.HTTPClient, "MAX_DELAY", 0.01)
    patch(reconcile, "PAUSE_SECONDS", 0.0)


def warm_up() -> None:
    """Have the SDK import what it otherwise imports at the first call."""
    v1 = stripe.StripeClient("sk_test_of_nobody").v1
    _ = (v1.checkout.sessions, v1.refunds, v1.charges, v1.disputes)


def _wait_for_deeds(line: Connection, environment: dict[str, str]) -> None:
    be_quick(setattr)
    logging.disable(logging.CRITICAL)
    warm_up()
    app = create_app(read_settings(environment))
    while asked := line.recv():
        place, deed, arguments = asked
        pid = os.fork()
        if pid == 0:
            _do(app.test_client(), place, deed, arguments)
        _, status = os.waitpid(pid, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        line.send(died)


def _do(client: FlaskClient, place: str, deed: str, arguments: Any) -> None:
    """Do it, and be gone without a word: errors are answers that nobody waits for."""
    try:
        arm(place)
        ALL_DEEDS[deed](client, *arguments)
    finally:
        os._exit(0)
