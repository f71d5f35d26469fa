"""Deliveries: signed, repeated until they succeed, the same bytes each time."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator import Emulator, running_emulator, sessions
from tests.contract.conftest import SECRET, NewSession, Receiver
from tests.fixtures.emulator import ATTEMPT_LIMIT, EmulatorHand


def test_events_arrive_signed(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    session = new_session()
    emulator.pay(session.id)
    emulator.wait()
    assert sorted(receiver.types()) == [
        "charge.succeeded",
        "charge.updated",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]
    headers, _body = receiver.got[0]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["User-Agent"].startswith("Stripe/1.0 (")
    assert "v0=" in headers["Stripe-Signature"]
    assert {event["pending_webhooks"] for event in emulator.events()} == {0}
    assert {row["status"] for row in emulator.deliveries()} == {"delivered"}


def test_a_wrong_secret_does_not_verify(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.expire(new_session().id)
    emulator.wait()
    ((headers, body),) = receiver.got
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_both_secrets_sign_during_a_roll(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.remove_endpoint("we_1")
    emulator.add_endpoint(receiver.url, f"whsec_new,{SECRET}")
    emulator.expire(new_session().id)
    emulator.wait()
    ((headers, body),) = receiver.got
    for secret in ("whsec_new", SECRET):
        assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)


def test_the_signature_has_the_real_time(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.advance(3600)
    emulator.expire(new_session().id)
    emulator.wait()
    (event,) = receiver.events()
    assert event.created > time.time() + 3000
    signed = int(receiver.got[0][0]["Stripe-Signature"].split(",")[0][2:])
    assert abs(signed - time.time()) < 10


@pytest.mark.parametrize("status", [302, 400, 500])
def test_what_fails_comes_again_in_the_same_bytes(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession, status: int
) -> None:
    receiver.statuses = [status, status]
    emulator.expire(new_session().id)
    emulator.wait()
    assert len({body for _headers, body in receiver.got}) == 1
    (delivery,) = emulator.deliveries()
    assert [row["status"] for row in delivery["attempts"]] == [status, status, 200]
    assert delivery["attempts"][0]["body"] == "thanks\n"
    first, second, third = (row["at"] for row in delivery["attempts"])
    assert first <= second <= third
    assert delivery["status"] == "delivered"


def test_the_courier_gives_up_in_the_end(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    receiver.statuses = [500] * ATTEMPT_LIMIT
    emulator.expire(new_session().id)
    emulator.wait()
    (delivery,) = emulator.deliveries()
    assert (delivery["status"], len(delivery["attempts"])) == ("failed", ATTEMPT_LIMIT)
    (undelivered,) = client.v1.events.list({"delivery_success": False}).data
    assert undelivered.pending_webhooks == 1
    emulator.resend(undelivered.id)
    emulator.wait()
    assert receiver.types()[-1] == "checkout.session.expired"


def test_nobody_listening_is_a_failed_attempt(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        emulator.add_endpoint(url, SECRET)
        emulator.expire(new_session().id)
        emulator.wait()
    (delivery,) = emulator.deliveries()
    assert delivery["attempts"][0]["error"] == "ConnectionError"


def test_waiting_for_what_is_due_only(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.set_faults({"where": "webhooks", "do": "delay", "ms": 60_000})
    emulator.expire(new_session().id)
    emulator.wait(retries=False)
    told = emulator.post("wait", timeout=0)
    assert told == {"idle": False, "pending": 1}
    emulator.post("reset")
    emulator.wait()
    assert receiver.got == []


def test_waiting_ends_when_all_that_was_left_is_held_back(
    emulator_server: Emulator, emulator: EmulatorHand, new_session: NewSession
) -> None:
    machine = emulator_server.machine
    emulator.add_endpoint("http://127.0.0.1:9/", SECRET)
    emulator.hold_webhooks()
    session = new_session()
    with ThreadPoolExecutor(1) as pool:
        with machine.state.lock:
            sessions.expire(machine.state, session.id)
        waiting = pool.submit(machine.courier.wait_until_idle, 5)
        time.sleep(0.1)
        machine.courier.collect()
        assert waiting.result(1)


def test_a_deleted_endpoint_gets_nothing_more(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.hold_webhooks()
    emulator.expire(new_session().id)
    emulator.wait()
    emulator.remove_endpoint("we_1")
    emulator.release_webhooks()
    emulator.wait()
    (delivery,) = emulator.deliveries()
    assert (delivery["status"], receiver.got) == ("canceled", [])
    with pytest.raises(AssertionError, match="404"):
        emulator.remove_endpoint("we_1")


def test_every_endpoint_gets_every_event(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.add_endpoint(receiver.url, SECRET)
    emulator.expire(new_session().id)
    emulator.wait()
    (first, second) = receiver.events()
    assert first.id == second.id
    assert first.pending_webhooks == 2


def test_an_endpoint_gets_the_types_that_it_is_enabled_for(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.remove_endpoint("we_1")
    emulator.add_endpoint(receiver.url, SECRET, "charge.succeeded")
    emulator.pay(new_session().id)
    emulator.wait()
    assert receiver.types() == ["charge.succeeded"]
    assert {event["pending_webhooks"] for event in emulator.events()} == {0}


def test_an_event_is_sent_again_on_demand(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.expire(new_session().id)
    (event,) = emulator.events()
    emulator.wait()
    emulator.resend(event["id"])
    emulator.wait()
    (_headers, first), (_more, second) = receiver.got
    assert first == second
    with pytest.raises(AssertionError, match="404"):
        emulator.resend("evt_none")


def test_a_reset_keeps_the_endpoints_unless_told(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.expire(new_session().id)
    emulator.post("reset")
    ledger = emulator.ledger()
    assert (ledger["sessions"], ledger["events"]) == ([], [])
    assert ledger["endpoints"] == [{"id": "we_1", "url": receiver.url}]
    emulator.reset()
    assert emulator.ledger()["endpoints"] == []


def test_a_silent_endpoint_times_out(http: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with running_emulator(
            endpoints=[(url, SECRET)], delivery_timeout=0.2, attempt_limit=1
        ) as alone:
            hand = EmulatorHand(alone.url)
            create = {
                "mode": "payment",
                "success_url": "http://shop.example/",
                "line_items[0][quantity]": "1",
                "line_items[0][price_data][currency]": "eur",
                "line_items[0][price_data][unit_amount]": "100",
                "line_items[0][price_data][product_data][name]": "Reading",
            }
            made = http.post(
                f"{alone.url}/v1/checkout/sessions", create, auth=("sk_test_1", "")
            )
            hand.expire(made.json()["id"])
            hand.wait()
            (delivery,) = hand.deliveries()
            hand.close()
    assert delivery["attempts"][0]["error"] == "ReadTimeout"
