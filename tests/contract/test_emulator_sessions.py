"""Checkout Sessions: made, found, listed, changed, expired."""

import time
from typing import Any

import pytest
import stripe

from tests.contract.conftest import NewSession, session_params
from tests.fixtures.emulator import EmulatorHand

MINUTE, HOUR = 60, 3600


def test_a_new_session_is_open_and_unpaid(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    session = new_session(client_reference_id="order-1", metadata={"order": "1"})
    assert session.id.startswith("cs_test_")
    assert session.url == f"{emulator.url}/c/pay/{session.id}"
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_subtotal, session.amount_total) == (8000, 8000)
    assert session.payment_intent is None
    assert session.customer_details is None
    assert session.client_reference_id == "order-1"
    assert abs(session.expires_at - time.time() - 24 * HOUR) < 5
    assert not session.livemode
    assert "line_items" not in session


def test_lines_are_summed(client: stripe.StripeClient, new_session: NewSession) -> None:
    (line,) = session_params(1500)["line_items"]
    more = session_params(700)["line_items"][0] | {"quantity": 3}
    session = new_session(line_items=[line, more])
    assert session.amount_total == 1500 + 3 * 700
    lines = client.v1.checkout.sessions.line_items.list(session.id)
    assert [row.amount_total for row in lines.data] == [1500, 2100]
    assert lines.data[0].description == "Birth chart reading"


def test_lines_come_expanded(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session(expand=["line_items"])
    assert session.line_items is not None
    assert session.line_items.data[0].quantity == 1
    again = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["line_items.data.price.product"]}
    )
    assert again.line_items is not None
    price = again.line_items.data[0].price
    assert price is not None
    assert isinstance(price.product, stripe.Product)
    assert price.product.name == "Birth chart reading"


def test_a_free_order_needs_no_payment(new_session: NewSession) -> None:
    session = new_session(0)
    assert (session.status, session.payment_status) == ("open", "no_payment_required")


@pytest.mark.parametrize("life", [30 * MINUTE, 31 * MINUTE, 23 * HOUR, 24 * HOUR])
def test_life_within_limits(new_session: NewSession, life: int) -> None:
    at = int(time.time()) + life
    assert new_session(expires_at=at).expires_at == at


@pytest.mark.parametrize("life", [0, 29 * MINUTE, 24 * HOUR + MINUTE])
def test_life_beyond_limits(new_session: NewSession, life: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        new_session(expires_at=int(time.time()) + life)
    assert caught.value.param == "expires_at"


def test_an_unknown_session_is_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_metadata_is_merged(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session(metadata={"a": "1", "b": "2"})
    changed = client.v1.checkout.sessions.update(
        session.id, {"metadata": {"b": "", "c": "3"}}
    )
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}


def test_expiring_closes_for_good(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    (event,) = emulator.events("checkout.session.expired")
    assert event["data"]["object"]["status"] == "expired"
    assert event["request"]["id"].startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.expire(session.id)
    assert str(caught.value.user_message) == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        "This Checkout Session has a status of `expired`."
    )


def test_a_complete_session_cannot_be_expired(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    emulator.pay(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="`complete`"):
        client.v1.checkout.sessions.expire(session.id)


def test_sessions_expire_by_the_clock(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    brief = new_session(expires_at=int(time.time()) + 31 * MINUTE)
    lasting = new_session()
    emulator.pay(brief.id, "declined")
    emulator.advance(32 * MINUTE)
    assert client.v1.checkout.sessions.retrieve(brief.id).status == "expired"
    assert client.v1.checkout.sessions.retrieve(lasting.id).status == "open"
    assert len(emulator.events("checkout.session.expired")) == 1
    (canceled,) = emulator.events("payment_intent.canceled")
    assert canceled["data"]["object"]["cancellation_reason"] == "expired"


def test_the_clock_can_stand_and_run(emulator: EmulatorHand) -> None:
    emulator.post("clock", speed=0)
    stood = emulator.advance(100)
    assert emulator.advance(0) == stood
    emulator.post("clock", speed=1_000_000)
    time.sleep(0.01)
    assert emulator.advance(0) > stood + 1000


def test_lists_come_newest_first_in_pages(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    made = [new_session().id for _ in range(5)][::-1]
    page = client.v1.checkout.sessions.list({"limit": 2})
    assert [row.id for row in page.data] == made[:2]
    assert page.has_more
    assert [row.id for row in page.auto_paging_iter()] == made
    before = client.v1.checkout.sessions.list({"ending_before": made[3], "limit": 2})
    assert [row.id for row in before.data] == made[1:3]
    assert before.has_more
    last = client.v1.checkout.sessions.list({"starting_after": made[3]})
    assert [row.id for row in last.data] == made[4:]
    assert not last.has_more


def test_lists_are_filtered(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    open_one, paid = new_session(), new_session()
    intent = emulator.pay(paid.id, email="Bea@example.com")["payment_intent"]

    def listed(**given: Any) -> list[str]:
        params: Any = given
        return [row.id for row in client.v1.checkout.sessions.list(params).data]

    assert listed(status="open") == [open_one.id]
    assert listed(payment_intent=intent) == [paid.id]
    assert listed(customer_details={"email": "bea@example.com"}) == [paid.id]
    assert listed(created={"gt": paid.created + 10}) == []
    assert listed(created=paid.created, status="complete") == [paid.id]
    assert listed(expand=["data.payment_intent", "data.line_items"])


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "cs_test_nothing"}, "starting_after"),
        ({"starting_after": "a", "ending_before": "b"}, "starting_after"),
        ({"state": "open"}, "state"),
        ({"expand": ["payment_intent"]}, "expand"),
    ],
)
def test_bad_lists_are_refused(
    client: stripe.StripeClient, params: Any, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.list(params)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("params", "methods"),
    [
        ({}, ["card", "sepa_debit"]),
        ({"allowed_payment_method_types": ["card"]}, ["card"]),
        ({"excluded_payment_method_types": ["card"]}, ["sepa_debit"]),
    ],
)
def test_methods_are_computed(
    new_session: NewSession, params: Any, methods: list[str]
) -> None:
    assert new_session(**params).payment_method_types == methods
