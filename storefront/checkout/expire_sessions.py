"""Having Stripe expire many sessions: several at a time, never more than it allows."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from storefront.gateway.errors import (
    AnswerUnusable,
    GatewayUnavailable,
    RequestRefused,
)
from storefront.gateway.port import SessionSeen
from storefront.gateway.stripe_gateway import StripeGateway

Answer = SessionSeen | GatewayUnavailable | RequestRefused

# Stripe: 25 requests a second to one endpoint, and 25 to all of them in test mode, 100
# in live mode ("Rate limits", read 2026-11). So 10,000 orders take 500 seconds, and a
# customer's own call still goes through.
PER_SECOND = 20
# Stripe takes about 300 ms: six are under way at that pace, two more when it is slower.
# Threads that wait for Stripe hold neither a connection of the database nor a lock.
AT_ONCE = 8
# A call begun by then ends within its budget of ten seconds, and that within the lease
# of the job: while Stripe is slow the rest waits for another run.
LAST_BEGUN_SECONDS = 12.0


def expire_sessions(
    stripe: StripeGateway, session_ids: Sequence[str]
) -> dict[str, Answer]:
    """Close these sessions at Stripe; give what became of each, errors included.

    Once Stripe is silent nobody asks on: who was not asked is not among the answers.
    Nothing here touches the database.

    :param stripe: handed in, for threads have no app of their own.
    """
    turns = _Turns()

    def ask(session_id: str) -> Answer | None:
        if not turns.take():
            return None
        try:
            return stripe.expire_session(session_id)
        except (GatewayUnavailable, RequestRefused) as error:
            if is_silence(error):
                turns.end()
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda one: (one, ask(one)), session_ids)
        return {session_id: answer for session_id, answer in answers if answer}


def is_silence(answer: Answer) -> bool:
    """Tell whether an answer says that there is no use in asking on."""
    return isinstance(answer, GatewayUnavailable) and not isinstance(
        answer, AnswerUnusable
    )


class _Turns:
    """Turns to ask, one after the other for all threads together, until the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = time.monotonic()
        self._ends = self._next + LAST_BEGUN_SECONDS

    def take(self) -> bool:
        """Wait for a turn; False if there are no more."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + 1 / PER_SECOND
        if turn <= self._ends:
            time.sleep(max(0.0, turn - time.monotonic()))
        return turn <= self._ends

    def end(self) -> None:
        """Give no more turns."""
        self._ends = 0.0
