"""Many sessions expired: how many at once, how quickly, and when it ends."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from storefront.checkout import expire_sessions as it
from storefront.gateway.errors import (
    AnswerUnusable,
    GatewayUnavailable,
    RequestRefused,
    SessionUnknown,
)
from storefront.gateway.stripe_gateway import BUDGET_SECONDS
from storefront.scheduler.claims import LEASE

IDS = [f"cs_{number}" for number in range(30)]
USUAL_PACE = it.PER_SECOND
SILENCE = GatewayUnavailable("Nobody there.")


class Stripe:
    """Answers after a while, as it is told."""

    def __init__(self, answer: Callable[[str], str], seconds: float = 0) -> None:
        self.asked: list[str] = []
        self.most = self._now = 0
        self._answer = answer
        self._seconds = seconds
        self._lock = threading.Lock()

    def expire_session(self, session_id: str) -> str:
        with self._lock:
            self.asked.append(session_id)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            time.sleep(self._seconds)
            return self._answer(session_id)
        finally:
            with self._lock:
                self._now -= 1


def fail(error: Exception) -> str:
    raise error


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "PER_SECOND", 1000)


def expire(stripe: Any) -> dict[str, Any]:
    return it.expire_sessions(stripe, IDS)


def test_each_answer_stands_at_its_session_and_the_bound_is_used_and_kept() -> None:
    stripe = Stripe(str.upper, seconds=0.05)

    assert expire(stripe) == {one: one.upper() for one in IDS}

    assert stripe.most == it.AT_ONCE
    assert sorted(stripe.asked) == sorted(IDS)


def test_turns_come_at_the_pace_however_quick_stripe_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(it, "PER_SECOND", 100)
    begun = time.monotonic()

    expire(Stripe(str.upper))

    assert time.monotonic() - begun >= (len(IDS) - 1) / 100


def test_the_usual_pace_leaves_customers_their_calls_and_drains_a_day_in_time() -> None:
    # Stripe allows 25 calls a second, and a customer's checkout takes one or two.
    assert 25 - USUAL_PACE >= 5
    assert 10_000 / USUAL_PACE < 600


def test_a_call_begun_last_is_settled_within_the_lease_of_the_job() -> None:
    seconds = it.LAST_BEGUN_SECONDS + BUDGET_SECONDS

    assert LEASE.total_seconds() - seconds >= 3


@pytest.mark.parametrize(
    "error",
    [AnswerUnusable("500"), RequestRefused("no"), SessionUnknown("which?")],
    ids=repr,
)
def test_an_error_about_one_session_stops_nothing(error: Exception) -> None:
    answers = expire(Stripe(lambda one: fail(error) if one == IDS[0] else one))

    assert answers.pop(IDS[0]) is error
    assert answers == {one: one for one in IDS[1:]}
    assert not it.is_silence(error)  # type: ignore[arg-type]


def test_once_stripe_is_silent_only_those_under_way_still_ask() -> None:
    stripe = Stripe(lambda _: fail(SILENCE), seconds=0.1)

    answers = expire(stripe)

    assert set(answers.values()) == {SILENCE}
    assert len(answers) == len(stripe.asked) <= it.AT_ONCE
    assert it.is_silence(SILENCE)


def test_what_was_answered_before_the_silence_is_kept() -> None:
    stripe = Stripe(lambda one: one if one == IDS[0] else fail(SILENCE), seconds=0.1)

    assert expire(stripe)[IDS[0]] == IDS[0]


def test_a_slow_stripe_is_asked_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(it, "LAST_BEGUN_SECONDS", 0.1)
    stripe = Stripe(str.upper, seconds=0.2)

    answers = expire(stripe)

    assert len(answers) == it.AT_ONCE
    assert set(answers.values()) == {one.upper() for one in answers}


def test_nothing_else_is_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        expire(Stripe(lambda _: fail(ZeroDivisionError())))


def test_of_none_nothing_is_asked() -> None:
    assert it.expire_sessions(Stripe(str.upper), []) == {}  # type: ignore[arg-type]
