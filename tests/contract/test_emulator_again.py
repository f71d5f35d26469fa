"""Deliveries again, twice, at once, out of order, before the answer, and never."""

import threading

import pytest
import stripe

from tests.contract.conftest import NewSession, Receiver, session_params
from tests.fixtures.emulator import EmulatorHand

COMPLETED = "checkout.session.completed"
EXPIRED = "checkout.session.expired"
PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    COMPLETED,
    "charge.updated",
]


def meet(receiver: Receiver, number: int) -> None:
    """Answer only when so many deliveries are there at the same moment."""
    together = threading.Barrier(number, timeout=5)
    take = receiver.take

    def wait_and_take(headers: dict[str, str], body: bytes) -> int:
        together.wait()
        return take(headers, body)

    receiver.take = wait_and_take  # type: ignore[method-assign]


def test_a_duplicate_is_the_same_event(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.disturb_webhooks("duplicate", copies=2)
    emulator.expire(new_session().id)
    emulator.wait()
    assert len(receiver.got) == 3
    assert len({body for _headers, body in receiver.got}) == 1
    (event,) = emulator.events()
    assert event["pending_webhooks"] == 0
    assert [row["faults"] for row in emulator.deliveries()] == [["duplicate"], [], []]


def test_a_twin_is_another_event_of_the_same_fact(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    emulator.disturb_webhooks("twin")
    emulator.expire(new_session().id)
    emulator.wait()
    first, second = receiver.events()
    assert first.id != second.id
    assert first.data.object.id == second.data.object.id
    assert {row.id for row in client.v1.events.list().data} == {first.id, second.id}
    assert len(emulator.events()) == 2


def test_deliveries_at_the_same_moment(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    meet(receiver, 12)
    emulator.disturb_webhooks("concurrent", copies=12)
    emulator.expire(new_session().id)
    emulator.wait()
    assert len(receiver.got) == 12
    assert emulator.events()[0]["pending_webhooks"] == 0


def test_sending_again_at_the_same_moment(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.expire(new_session().id)
    emulator.wait()
    meet(receiver, 20)
    (event,) = emulator.events()
    assert len(emulator.resend(event["id"], copies=20, together=True)) == 20
    emulator.wait()
    assert len(receiver.got) == 21


def test_what_one_call_caused_comes_backwards(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.disturb_webhooks("reorder")
    emulator.pay(new_session().id)
    emulator.wait()
    assert receiver.types() == PAID[::-1]


def test_a_seed_shuffles_the_same_way_again(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    orders = []
    for _ in range(2):
        emulator.disturb_webhooks("reorder", seed=5)
        emulator.pay(new_session().id)
        emulator.wait()
        orders.append(receiver.types())
        receiver.got.clear()
    assert orders[0] == orders[1] != PAID
    assert sorted(orders[0]) == sorted(PAID)


def test_held_events_are_sent_in_any_order(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    emulator.hold_webhooks()
    session = emulator.pay(new_session().id)
    client.v1.refunds.create({"payment_intent": session["payment_intent"]})
    assert emulator.release_webhooks("charge.refunded", "refund.*") == 2
    emulator.wait()
    assert receiver.types() == ["charge.refunded", "refund.created"]
    assert emulator.release_webhooks("*.completed", seed=1) == 1
    assert emulator.release_webhooks(seed=1) == 4
    emulator.wait()
    assert sorted(receiver.types()[3:]) == sorted({*PAID} - {COMPLETED})
    assert emulator.release_webhooks() == 0


def test_held_events_are_sent_at_the_same_moment(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.hold_webhooks()
    emulator.pay(new_session().id)
    meet(receiver, 2)
    sent = emulator.release_webhooks(
        COMPLETED, "payment_intent.succeeded", together=True
    )
    assert sent == 2
    emulator.wait()
    assert len(receiver.got) == 2


def test_events_come_before_the_answer(
    emulator: EmulatorHand, receiver: Receiver, new_session: NewSession
) -> None:
    emulator.disturb_webhooks("before_answer", "*.expired")
    for expected in (1, 2):
        emulator.expire(new_session().id)
        assert len(receiver.got) == expected


def test_a_session_is_paid_before_the_shop_knows_it(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
) -> None:
    emulator.pay_before_answer()
    session = client.v1.checkout.sessions.create(session_params())
    assert sorted(receiver.types()) == sorted(PAID)
    assert session.status == "open"
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert found.payment_status == "paid"
    assert client.v1.checkout.sessions.create(session_params()).id != session.id
    assert len(receiver.got) == len(PAID)


def test_what_is_omitted_is_told_nowhere(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    emulator.omit_events("checkout.session.*", times=1)
    first = emulator.pay(new_session().id)
    second = emulator.pay(new_session().id)
    emulator.wait()
    assert first["payment_status"] == "paid"
    listed = client.v1.events.list({"type": COMPLETED}).data
    assert [event.data.object.id for event in listed] == [second["id"]]
    assert receiver.types().count(COMPLETED) == 1


@pytest.mark.parametrize("copies", [0, 201])
def test_too_many_copies_are_refused(
    emulator: EmulatorHand, new_session: NewSession, copies: int
) -> None:
    with pytest.raises(AssertionError, match="400"):
        emulator.disturb_webhooks("duplicate", copies=copies)
    emulator.expire(new_session().id)
    with pytest.raises(AssertionError, match="400"):
        emulator.resend(emulator.events(EXPIRED)[0]["id"], copies)
