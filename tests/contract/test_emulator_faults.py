"""Faults on demand, as the shop's SDK meets them."""

import time
from typing import Any

import pytest
import stripe

from tests.contract.conftest import NewSession, Receiver, session_params
from tests.fixtures.emulator import EmulatorHand


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, stripe.APIError),
        (429, stripe.RateLimitError),
        (500, stripe.APIError),
        (503, stripe.APIError),
    ],
)
def test_the_api_fails(
    emulator: EmulatorHand,
    new_session: NewSession,
    status: int,
    error: type[stripe.StripeError],
) -> None:
    emulator.fail(status, times=1)
    with pytest.raises(error) as caught:
        new_session()
    assert caught.value.http_status == status
    assert emulator.ledger()["sessions"] == []
    assert new_session().id


def test_a_gateway_talks_html(emulator: EmulatorHand, new_session: NewSession) -> None:
    emulator.fail(502, html=True)
    with pytest.raises(stripe.APIError) as caught:
        new_session()
    assert "502 Bad Gateway" in str(caught.value.http_body)


def test_the_deed_is_done_and_nobody_was_told(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    emulator.fail(503, when="after", times=1)
    options: Any = {"idempotency_key": "key"}
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(session_params(), options)
    assert len(emulator.ledger()["sessions"]) == 1


def test_the_api_is_slow(emulator: EmulatorHand, new_session: NewSession) -> None:
    emulator.be_slow(200)
    began = time.monotonic()
    new_session()
    assert time.monotonic() - began >= 0.2


def test_the_api_talks_nonsense(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    emulator.talk_nonsense(
        {"url": "https://elsewhere.example/", "amount_total": 1}, method="POST"
    )
    session = new_session()
    assert (session.url, session.amount_total) == ("https://elsewhere.example/", 1)
    assert client.v1.checkout.sessions.retrieve(session.id).amount_total == 8000


def test_faults_strike_where_they_are_meant_to(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    emulator.fail(500, method="POST", path="/v1/checkout/sessions/*/expire")
    session = new_session()
    assert client.v1.checkout.sessions.retrieve(session.id)
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.expire(session.id)
    emulator.set_faults()
    client.v1.checkout.sessions.expire(session.id)


def test_events_are_held_until_released(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.hold_webhooks("checkout.session.*")
    emulator.pay(new_session().id)
    emulator.wait()
    assert "checkout.session.completed" not in receiver.types()
    assert len(receiver.got) == 4
    assert emulator.release_webhooks() == 1
    emulator.wait()
    assert receiver.types()[-1] == "checkout.session.completed"


def test_events_are_dropped(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.drop_webhooks()
    emulator.pay(new_session().id)
    emulator.wait()
    assert receiver.got == []
    assert {row["status"] for row in emulator.deliveries()} == {"dropped"}
    assert emulator.events()[0]["pending_webhooks"] == 1


def test_events_are_delayed(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.set_faults(
        {"where": "webhooks", "do": "delay", "ms": 150, "type": "*.completed"}
    )
    began = time.monotonic()
    emulator.pay(new_session().id)
    emulator.wait()
    assert time.monotonic() - began >= 0.15
    assert receiver.types()[-1] == "checkout.session.completed"


@pytest.mark.parametrize(
    "fault",
    [
        "text",
        {},
        {"where": "api", "do": "dance"},
        {"where": "webhooks", "do": "answer"},
        {"where": "api", "do": "delay", "ms": "long"},
        {"where": "api", "do": "delay", "type": "x"},
        {"where": "api", "do": "answer", "when": "never"},
    ],
)
def test_what_is_no_fault_is_refused(emulator: EmulatorHand, fault: Any) -> None:
    with pytest.raises(AssertionError, match="400"):
        emulator.set_faults(fault)


def test_faults_are_shown_and_end_with_a_reset(emulator: EmulatorHand) -> None:
    emulator.fail(503)
    assert [fault["status"] for fault in emulator.ledger()["faults"]] == [503]
    emulator.reset()
    assert emulator.ledger()["faults"] == []
