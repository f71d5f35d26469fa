"""Idempotency keys: the first answer under a key is given again for a day.

Stripe: Idempotent requests (docs api/idempotent_requests): keys of up to 255
characters; status and body are replayed, 500s too; refused parameters are not kept.
"""

import hashlib
import threading
from dataclasses import dataclass

from .decoding import Pairs
from .errors import ApiError
from .faults import Fault
from .state import JsonObject, State

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Answer:
    """What the API answers."""

    status: int
    body: JsonObject | str
    request_id: str
    kept: bool = True
    # The fault that keeps it from getting out, if one does.
    cut: Fault | None = None


def fingerprint(method: str, path: str, pairs: Pairs) -> str:
    """Tell two requests apart by all that they ask."""
    asked = repr((method, path, sorted(pairs)))
    return hashlib.sha256(asked.encode()).hexdigest()


class KeptAnswers:
    """The answers of the last day, by key, and the keys that are at work."""

    def __init__(self, state: State) -> None:
        """Keep the answers in the state's tables."""
        self._state = state
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def begin(self, key: str, asked: str) -> Answer | None:
        """Claim a key; give the answer to replay where there is one.

        :raises ApiError: too long, used for something else (400), or running (409)
        """
        if len(key) > LONGEST_KEY:
            message = f"Idempotency keys can have up to {LONGEST_KEY} characters."
            raise ApiError(message, kind="idempotency_error")
        with self._lock:
            if key in self._running:
                raise key_in_use(key)
            kept = self._find(key)
            if kept is None:
                self._running.add(key)
                return None
        if kept["asked"] != asked:
            raise _asked_otherwise(key)
        return Answer(kept["status"], kept["body"], kept["request_id"])

    def keep(self, key: str, asked: str, answer: Answer) -> None:
        """Keep an answer if it is one to keep.

        Called under the state's lock that the work was done under, it is part of the
        same deed: after a crash there are both or neither.
        """
        if answer.kept:
            row = {"id": key, "asked": asked, "at": self._state.now()}
            row |= {"status": answer.status, "body": answer.body}
            with self._state.lock:
                self._state.put("kept_answers", row | {"request_id": answer.request_id})

    def end(self, key: str) -> None:
        """Let go of a key."""
        with self._lock:
            self._running.discard(key)

    def _find(self, key: str) -> JsonObject | None:
        with self._state.lock:
            kept = self._state.find("kept_answers", key)
            if kept is None or kept["at"] <= self._state.now() - KEPT_SECONDS:
                return None
            return kept


def key_in_use(key: str) -> ApiError:
    """Refuse a key whose first request is still running."""
    message = f"There is currently another in-progress request using this key: {key}"
    code = "idempotency_key_in_use"
    return ApiError(message, status=409, kind="idempotency_error", code=code)


def _asked_otherwise(key: str) -> ApiError:
    message = "Keys for idempotent requests can only be used with the same parameters"
    message += f" and path they were first used with. Try a key other than '{key}'."
    return ApiError(message, kind="idempotency_error")
