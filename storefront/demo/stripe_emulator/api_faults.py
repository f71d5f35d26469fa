"""What the faults of the moment make of one call to the API."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import deeds
from .errors import ApiError
from .faults import Fault
from .idempotency import Answer, key_in_use
from .state import State

GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body></body></html>"
RATE_LIMIT = ApiError("Too many requests.", status=429, code="rate_limit")
LOCK_TIMEOUT = ApiError(
    "Another request holds this object.", status=409, code="lock_timeout"
)
ON_DEMAND = ApiError("The emulator fails on demand.", kind="api_error")
CUTS = ("timeout", "reset")


@dataclass(frozen=True)
class CallFaults:
    """The faults that strike one call."""

    faults: list[Fault]
    request_id: str
    key: str

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self.faults)

    def before(self) -> Answer | None:
        """Let happen what comes before the work; give the answer that ends the call."""
        self._sleep("before")
        return next(self._answers("before"), None)

    def work(self, state: State, answer: Answer) -> None:
        """Let happen what comes with the work; the caller holds the state's lock."""
        for fault in self._doing("pay"):
            if isinstance(answer.body, dict) and answer.status == 200:
                deeds.play(state, answer.body["id"], fault.outcome, {})

    def after(self, answer: Answer) -> Answer:
        """Give the answer to tell when the work is done."""
        for fault in self._doing("rewrite"):
            if isinstance(answer.body, dict):
                answer = replace(answer, body=answer.body | fault.members)
        return next(self._answers("after", answer), answer)

    def linger(self) -> None:
        """Be slow when all is done."""
        self._sleep("after")

    def dripping(self) -> Fault | None:
        """Give the fault that lets the answer out byte by byte."""
        return next(self._doing("drip"), None)

    def _doing(self, *deeds: str) -> Iterator[Fault]:
        return (fault for fault in self.faults if fault.do in deeds)

    def _sleep(self, when: str) -> None:
        for fault in self._doing("delay"):
            if fault.when == when:
                time.sleep(fault.ms / 1000)

    def _answers(self, when: str, true: Answer | None = None) -> Iterator[Answer]:
        for fault in self._doing("answer", *CUTS):
            if fault.when != when:
                continue
            if fault.do == "answer":
                yield self._refusal(fault)
            else:
                nothing = true or Answer(200, {}, self.request_id)
                yield replace(nothing, kept=False, cut=fault)

    def _refusal(self, fault: Fault) -> Answer:
        if fault.html:
            body = GATEWAY_PAGE
            return Answer(fault.status, body, self.request_id, kept=fault.kept)
        error = self._error(fault)
        return Answer(fault.status, error.body(), self.request_id, kept=fault.kept)

    def _error(self, fault: Fault) -> ApiError:
        if fault.code == "idempotency_key_in_use":
            return key_in_use(self.key)
        if fault.code:
            return ApiError("The emulator fails on demand.", code=fault.code)
        return {429: RATE_LIMIT, 409: LOCK_TIMEOUT}.get(fault.status, ON_DEMAND)
