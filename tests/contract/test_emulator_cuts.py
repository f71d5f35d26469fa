"""Calls that end badly: no answer, cut off, late, byte by byte; and their repeats."""

import time
from typing import Any

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator import create_emulator
from tests.contract.conftest import NewSession, Receiver, session_params
from tests.fixtures.emulator import EmulatorHand

KEY: Any = {"idempotency_key": "key"}
ONCE = {"times": 1, "method": "POST"}


def cut(emulator: EmulatorHand, how: str, when: str, **match: Any) -> None:
    """Have calls end without an answer, quickly."""
    if how == "timeout":
        emulator.time_out(50, when=when, **match)
    else:
        emulator.reset_connections(when=when, **match)


@pytest.mark.parametrize("how", ["timeout", "reset"])
@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_no_answer_comes(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    how: str,
    when: str,
    made: int,
) -> None:
    cut(emulator, how, when, **ONCE)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(session_params(), KEY)
    assert len(emulator.ledger("sessions")["sessions"]) == made
    again = client.v1.checkout.sessions.create(session_params(), KEY)
    (session,) = emulator.ledger("sessions")["sessions"]
    assert session["id"] == again.id


def test_the_connection_stays_open_for_so_long(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    emulator.time_out(300)
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        http.get(f"{emulator.url}/v1/balance", auth=("sk_test_1", ""), timeout=5)
    assert 0.3 <= time.monotonic() - began < 4
    with pytest.raises(requests.ReadTimeout):
        http.get(f"{emulator.url}/v1/balance", auth=("sk_test_1", ""), timeout=0.1)


def test_a_reset_is_one(emulator: EmulatorHand, http: requests.Session) -> None:
    emulator.reset_connections()
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        http.get(f"{emulator.url}/v1/balance", auth=("sk_test_1", ""), timeout=5)


def test_events_do_not_wait_for_a_client_that_does(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    session = new_session()
    emulator.time_out(700, when="after")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.expire(session.id)
    assert receiver.types() == ["checkout.session.expired"]


def test_an_answer_may_come_late_when_all_is_done(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    session = new_session()
    emulator.be_slow(600, when="after")
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert receiver.types() == ["checkout.session.expired"]


def test_an_answer_comes_byte_by_byte(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    emulator.drip(1)
    url = f"{emulator.url}/v1/balance"
    with http.get(url, auth=("sk_test_1", ""), timeout=5, stream=True) as answer:
        pieces = list(answer.raw.stream(1))
    assert b"".join(pieces).startswith(b'{"')
    assert int(answer.headers["Content-Length"]) == len(pieces)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_error_is_kept_and_told_again(
    emulator: EmulatorHand, client: stripe.StripeClient, when: str
) -> None:
    emulator.fail(500, kept=True, when=when, times=1)
    told = []
    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.checkout.sessions.create(session_params(), KEY)
        told.append((caught.value.headers or {}).get("Idempotent-Replayed"))
    assert told == [None, "true", "true"]
    made = 1 if when == "after" else 0
    assert len(emulator.ledger("sessions")["sessions"]) == made


def test_an_error_that_is_not_kept_hides_the_true_answer_once(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    emulator.fail(502, html=True, when="after", times=1)
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(session_params(), KEY)
    again = client.v1.checkout.sessions.create(session_params(), KEY)
    (session,) = emulator.ledger("sessions")["sessions"]
    assert session["id"] == again.id


def test_an_outage_strikes_repeats_too(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    create = client.v1.checkout.sessions.create
    first = create(session_params(), KEY)
    for when in ("before", "after"):
        emulator.fail(503, when=when, kept=True)
        with pytest.raises(stripe.APIError):
            create(session_params(), KEY)
    emulator.set_faults()
    assert create(session_params(), KEY).id == first.id


def test_a_key_in_use_is_told_on_demand(
    emulator: EmulatorHand, http: requests.Session, client: stripe.StripeClient
) -> None:
    emulator.fail(409, code="idempotency_key_in_use", times=1)
    with pytest.raises(stripe.APIError) as caught:
        client.v1.checkout.sessions.create(session_params(), KEY)
    error: Any = caught.value.json_body
    assert error["error"]["code"] == "idempotency_key_in_use"
    assert client.v1.checkout.sessions.create(session_params(), KEY).id
    emulator.fail(402, code="card_declined")
    answer = http.get(f"{emulator.url}/v1/balance", auth=("sk_test_1", ""))
    assert answer.json()["error"]["code"] == "card_declined"


def test_what_was_refused_is_not_paid_on_demand(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    emulator.pay_before_answer()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_params(locale="xx"))
    assert emulator.ledger("charges")["charges"] == []


def test_without_a_server_there_is_nothing_to_cut() -> None:
    client = create_emulator().test_client()
    fault = {"where": "api", "do": "timeout"}
    client.post("/_control/faults", json={"faults": [fault]})
    with pytest.raises(ConnectionAbortedError):
        client.get("/v1/balance", auth=("sk_test_1", ""))
