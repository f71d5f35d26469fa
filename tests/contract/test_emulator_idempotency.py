"""Idempotency keys: replays, conflicts, and what is not kept."""

import threading
from typing import Any

import pytest
import requests
import stripe

from tests.contract.conftest import NewSession, session_params
from tests.fixtures.emulator import EmulatorHand

CREATE = "/v1/checkout/sessions"
DAY = 24 * 3600


def once(key: str) -> Any:
    return {"idempotency_key": key}


def post(emulator: EmulatorHand, path: str, key: str) -> requests.Response:
    form = {"success_url": "http://shop.example/", "mode": "payment"}
    line = "line_items[0]"
    form |= {f"{line}[quantity]": "1", f"{line}[price_data][currency]": "eur"}
    form |= {
        f"{line}[price_data][unit_amount]": "8000",
        f"{line}[price_data][product_data][name]": "Reading",
    }
    headers = {"Idempotency-Key": key}
    return requests.post(
        emulator.url + path, form, headers=headers, auth=("sk_test_1", ""), timeout=10
    )


def test_the_same_request_makes_one_session(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    create = client.v1.checkout.sessions.create
    first = create(session_params(), once("key-1"))
    again = create(session_params(), once("key-1"))
    other = create(session_params(), once("key-2"))
    assert first.id == again.id != other.id
    assert len(emulator.ledger()["sessions"]) == 2


def test_a_replay_says_so(emulator: EmulatorHand) -> None:
    first, again = post(emulator, CREATE, "key"), post(emulator, CREATE, "key")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.content == first.content


def test_a_replay_tells_what_was_then(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    session = client.v1.checkout.sessions.create(session_params(), once("key"))
    emulator.pay(session.id)
    again = client.v1.checkout.sessions.create(session_params(), once("key"))
    assert again.status == "open"


def test_another_request_under_the_key_is_refused(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    client.v1.checkout.sessions.create(session_params(), once("key"))
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(session_params(9000), once("key"))
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.expire(new_session().id, {}, once("key"))


def test_a_long_key_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(session_params(), once("k" * 256))
    client.v1.checkout.sessions.create(session_params(), once("k" * 255))


def test_refused_parameters_are_not_kept(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_params(locale="xx"), once("key"))
    assert client.v1.checkout.sessions.create(session_params(), once("key")).id


def test_refused_deeds_are_kept(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    emulator.expire(session.id)
    requests_made = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.checkout.sessions.expire(session.id, {}, once("key"))
        headers = caught.value.headers or {}
        requests_made.append(headers.get("Idempotent-Replayed"))
    assert requests_made == [None, "true"]


def test_a_key_lasts_a_day(emulator: EmulatorHand, client: stripe.StripeClient) -> None:
    first = client.v1.checkout.sessions.create(session_params(), once("key"))
    emulator.advance(DAY - 60)
    again = client.v1.checkout.sessions.create(session_params(), once("key"))
    emulator.advance(120)
    later = client.v1.checkout.sessions.create(session_params(), once("key"))
    assert first.id == again.id != later.id


def test_a_key_at_work_is_a_conflict(emulator: EmulatorHand) -> None:
    emulator.be_slow(1000, times=1)
    slow: list[requests.Response] = []
    thread = threading.Thread(target=lambda: slow.append(post(emulator, CREATE, "key")))
    thread.start()
    while emulator_has_faults(emulator):
        pass  # until the slow request has taken its fault, and with it the key
    answer = post(emulator, CREATE, "key")
    thread.join()
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_key_in_use"
    assert slow[0].status_code == 200
    assert post(emulator, CREATE, "key").content == slow[0].content


def emulator_has_faults(emulator: EmulatorHand) -> bool:
    return bool(emulator.ledger()["faults"])


def test_a_server_error_may_be_kept(
    emulator: EmulatorHand, client: stripe.StripeClient
) -> None:
    emulator.fail(500, times=1, when="after", kept=True)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.checkout.sessions.create(session_params(), once("key"))
        assert caught.value.http_status == 500
    assert len(emulator.ledger()["sessions"]) == 1
