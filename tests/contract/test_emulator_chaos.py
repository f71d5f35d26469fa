"""Deliveries spoilt, in older shapes, beside those of others, and all of it by luck."""

import json
import time
from collections import Counter
from typing import Any

import pytest
import stripe

from tests.contract.conftest import SECRET, NewSession, Receiver
from tests.contract.description import ApiDescription
from tests.fixtures.emulator import EmulatorHand

COMPLETED = "checkout.session.completed"


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    """Give what arrived, unverified."""
    return [json.loads(body) for _headers, body in receiver.got]


@pytest.mark.parametrize("do", ["old", "future"])
def test_a_signature_of_another_time(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession, do: str
) -> None:
    emulator.disturb_webhooks(do, seconds=1000)
    receiver.statuses = [400]
    emulator.expire(new_session().id)
    emulator.wait()
    signed = [
        int(headers["Stripe-Signature"].split(",")[0][2:])
        for headers, _body in receiver.got
    ]
    assert len(signed) == 2
    off = signed[0] - time.time()
    assert abs(off - (1000 if do == "future" else -1000)) < 10
    assert abs(signed[1] - time.time()) < 10
    headers, body = receiver.got[0]
    if do == "old":
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)


def test_a_wrong_secret_as_often_as_told(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.disturb_webhooks("wrong_secret", attempts=2)
    receiver.statuses = [400, 400]
    emulator.expire(new_session().id)
    emulator.wait()
    verified = []
    for headers, body in receiver.got:
        try:
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        except stripe.SignatureVerificationError:
            verified.append(False)
        else:
            verified.append(True)
    assert verified == [False, False, True]


def test_a_body_cut_in_half_is_rightly_signed(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.disturb_webhooks("truncated")
    receiver.statuses = [400]
    emulator.expire(new_session().id)
    emulator.wait()
    (headers, cut), (_more, whole) = receiver.got
    assert whole.startswith(cut)
    with pytest.raises(json.JSONDecodeError):
        stripe.Webhook.construct_event(cut, headers["Stripe-Signature"], SECRET)


def test_older_shapes(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    emulator.disturb_webhooks("old_shape")
    countries = {"allowed_countries": ["ES"]}
    session = emulator.pay(new_session(shipping_address_collection=countries).id)
    client.v1.refunds.create({"payment_intent": session["payment_intent"]})
    emulator.wait()
    told = {body["type"]: body for body in bodies(receiver)}
    assert {body["api_version"] for body in told.values()} == {"2022-08-01"}
    shown = {kind: body["data"]["object"] for kind, body in told.items()}
    assert shown["charge.refunded"]["refunds"]["data"][0]["amount"] == 8000
    assert shown["payment_intent.succeeded"]["charges"]["data"][0]["paid"]
    assert "latest_charge" not in shown["payment_intent.succeeded"]
    assert shown[COMPLETED]["shipping_details"]["address"]["country"] == "ES"
    assert "collected_information" not in shown[COMPLETED]
    assert emulator.events(COMPLETED)[0]["api_version"] == "2026-10-28.endive"


def test_events_of_other_projects(
    emulator: EmulatorHand,
    receiver: Receiver,
    new_session: NewSession,
    description: ApiDescription,
) -> None:
    emulator.disturb_webhooks("foreign")
    for _ in range(2):
        emulator.pay(new_session().id)
        emulator.wait()
    kinds = Counter(event.type for event in receiver.events())
    assert kinds["customer.created"] == kinds["invoice.paid"] == 2
    assert kinds["charge.refunded"] == 1
    for event in emulator.events():
        description.check_object("event", event)
    theirs = [
        event["data"]["object"]
        for event in emulator.events(COMPLETED)
        if event["data"]["object"]["client_reference_id"]
        or event["data"]["object"]["subscription"]
    ]
    assert {session["mode"] for session in theirs} == {"payment", "subscription"}
    assert len(emulator.ledger("charges")["charges"]) == 2


@pytest.mark.parametrize("kind", ["payment", "subscription", "customer", "invoice"])
def test_another_project_alone(
    emulator: EmulatorHand, client: stripe.StripeClient, receiver: Receiver, kind: str
) -> None:
    shown = emulator.tell_foreign(kind)
    emulator.wait()
    (event,) = receiver.events()
    assert event.data.object.id == shown["id"]
    assert [row.id for row in client.v1.events.list().data] == [event.id]
    with pytest.raises(AssertionError, match="400"):
        emulator.tell_foreign("neighbour")


def test_live_and_thin_events_come_beside_the_true_one(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.set_faults(
        *({"where": "webhooks", "do": do} for do in ("livemode", "thin"))
    )
    emulator.expire(new_session().id)
    emulator.wait()
    told = {(body["object"], body["livemode"]) for body in bodies(receiver)}
    assert told == {("event", True), ("event", False), ("v2.core.event", False)}
    (true_one,) = emulator.events()
    assert true_one["pending_webhooks"] == 0
    assert {row["status"] for row in emulator.deliveries()} == {"delivered"}


def test_a_companion_comes_alone_where_the_event_is_dropped(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.set_faults(
        *({"where": "webhooks", "do": do} for do in ("livemode", "drop"))
    )
    emulator.expire(new_session().id)
    emulator.wait()
    (body,) = bodies(receiver)
    assert body["livemode"]
    assert body["data"]["object"]["livemode"]


RATES = {
    "duplicate": 0.3,
    "twin": 0.2,
    "delay": 0.3,
    "concurrent": 0.2,
    "reorder": 0.3,
    "drop": 0.1,
    "hold": 0.1,
    "before_answer": 0.1,
    "old": 0.2,
    "wrong_secret": 0.1,
    "truncated": 0.1,
    "old_shape": 0.2,
    "foreign": 0.2,
    "livemode": 0.1,
    "thin": 0.1,
}


def chaos(
    emulator: EmulatorHand, new_session: NewSession, seed: int
) -> list[tuple[str, list[str]]]:
    """Pay three sessions in chaos; give what struck which deliveries."""
    emulator.post("reset")
    emulator.make_chaos(seed, **RATES)
    for _ in range(3):
        emulator.pay(new_session().id)
    emulator.release_webhooks()
    emulator.wait()
    return sorted((row["type"], row["faults"]) for row in emulator.deliveries())


def test_chaos_repeats_for_a_seed(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    first = chaos(emulator, new_session, 11)
    assert chaos(emulator, new_session, 11) == first
    assert chaos(emulator, new_session, 12) != first
    assert len({do for _kind, faults in first for do in faults}) > 5
    statuses = {row["status"] for row in emulator.deliveries()}
    assert statuses <= {"delivered", "dropped"}


@pytest.mark.parametrize(
    "rates", [{"dance": 0.1}, {"drop": 2}, {"drop": "often"}, {"chaos": 0.5}]
)
def test_what_is_no_chaos_is_refused(emulator: EmulatorHand, rates: Any) -> None:
    with pytest.raises(AssertionError, match="400"):
        emulator.make_chaos(1, **rates)
