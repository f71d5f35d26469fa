"""Paying: the objects and the events of every outcome."""

from typing import Any

import pytest
import stripe

from tests.contract.conftest import NewSession
from tests.contract.description import ApiDescription
from tests.fixtures.emulator import EmulatorHand

PAID_EVENTS = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "charge.updated",
]
EXPANDED: Any = {"expand": ["payment_intent.latest_charge.balance_transaction"]}


def kinds(emulator: EmulatorHand) -> list[str]:
    return [event["type"] for event in emulator.events()]


@pytest.fixture(autouse=True)
def every_event_fits(emulator: EmulatorHand, description: ApiDescription) -> Any:
    """Hold what the test left in the ledger against the description."""
    yield
    ledger = emulator.ledger()
    for event in ledger["events"]:
        description.check_object("event", event)
    for entry in ledger["balance_transactions"]:
        description.check_object("balance_transaction", entry)
    for product in ledger["products"]:
        description.check_object("product", product)


def test_a_paid_card(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    made = new_session(
        payment_intent_data={"metadata": {"order": "1"}, "description": "Order 1"}
    )
    emulator.pay(made.id, email="ana@example.com", name="Ana Example")
    session = client.v1.checkout.sessions.retrieve(made.id, EXPANDED)
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert session.url is None
    assert session.customer_details is not None
    assert session.customer_details.email == "ana@example.com"
    intent = session.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 8000)
    assert intent.metadata.to_dict() == {"order": "1"}
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.metadata.to_dict() == {"order": "1"}
    assert charge.description == "Order 1"
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.net == 8000 - charge.balance_transaction.fee
    assert kinds(emulator) == PAID_EVENTS


def test_events_are_snapshots(emulator: EmulatorHand, new_session: NewSession) -> None:
    emulator.pay(new_session().id)
    created, charged, _succeeded, completed, updated = emulator.events()
    assert created["data"]["object"]["status"] == "requires_payment_method"
    assert charged["data"]["object"]["balance_transaction"] is None
    assert completed["data"]["object"]["payment_status"] == "paid"
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}
    assert created["api_version"] == "2026-10-28.endive"
    assert created["request"] == {"id": None, "idempotency_key": None}


def test_a_session_is_paid_once(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    session = new_session()
    emulator.pay(session.id)
    with pytest.raises(AssertionError, match="409"):
        emulator.pay(session.id)
    assert len(emulator.ledger()["charges"]) == 1


def test_a_declined_card_leaves_the_session_open(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    emulator.pay(session.id, "declined")
    emulator.pay(session.id, card="4000000000009995")
    between = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent"]}
    )
    assert between.status == "open"
    assert isinstance(between.payment_intent, stripe.PaymentIntent)
    error = between.payment_intent.last_payment_error
    assert error is not None
    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    emulator.pay(session.id)
    ledger = emulator.ledger()
    assert len(ledger["payment_intents"]) == 1
    assert [charge["status"] for charge in ledger["charges"]] == [
        *("failed", "failed", "succeeded")
    ]
    failed = ["charge.failed", "payment_intent.payment_failed"]
    assert kinds(emulator) == [PAID_EVENTS[0], *failed, *failed, *PAID_EVENTS[1:]]


DELAYED_EVENTS = [
    "payment_intent.created",
    "charge.pending",
    "payment_intent.processing",
    "checkout.session.completed",
]


@pytest.mark.parametrize("in_two_steps", [True, False])
def test_a_delayed_payment_arrives(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    new_session: NewSession,
    *,
    in_two_steps: bool,
) -> None:
    key = new_session().id
    if in_two_steps:
        waiting = emulator.pay(key, "delayed")
        assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
        assert kinds(emulator) == DELAYED_EVENTS
    emulator.pay(key, "delayed_succeeds")
    session = client.v1.checkout.sessions.retrieve(key, EXPANDED)
    assert session.payment_status == "paid"
    assert kinds(emulator)[4:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
        "charge.updated",
    ]


def test_a_delayed_payment_fails(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    key = new_session().id
    emulator.pay(key, "delayed_fails")
    session = client.v1.checkout.sessions.retrieve(key, EXPANDED)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert session.payment_intent.status == "requires_payment_method"
    assert kinds(emulator)[4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    with pytest.raises(AssertionError, match="409"):
        emulator.pay(key, "delayed_succeeds")


@pytest.mark.parametrize("currency", ["usd", "gbp", "cad", "aud", "jpy"])
def test_every_currency_has_a_delayed_method(
    emulator: EmulatorHand,
    client: stripe.StripeClient,
    new_session: NewSession,
    currency: str,
) -> None:
    emulator.pay(new_session(5000, currency).id, "delayed")
    (charge,) = client.v1.charges.list().data
    assert charge.status == "pending"
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.type != "card"


def test_a_session_for_cards_takes_no_delayed_method(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    session = new_session(allowed_payment_method_types=["card"])
    with pytest.raises(AssertionError, match="409"):
        emulator.pay(session.id, "delayed")


def test_a_free_order_has_no_payment(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    key = new_session(0).id
    emulator.pay(key)
    session = client.v1.checkout.sessions.retrieve(key)
    assert (session.status, session.payment_intent) == ("complete", None)
    assert session.payment_status == "no_payment_required"
    assert kinds(emulator) == ["checkout.session.completed"]


def test_the_shipping_address_comes_back(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    countries = {"allowed_countries": ["ES", "PT"]}
    key = new_session(shipping_address_collection=countries).id
    emulator.pay(key)
    session = client.v1.checkout.sessions.retrieve(key, EXPANDED)
    assert session.collected_information is not None
    shipping = session.collected_information.shipping_details
    assert shipping is not None
    assert shipping.address.country == "ES"
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert session.payment_intent.shipping is not None
    assert session.payment_intent.shipping.name == shipping.name


@pytest.mark.parametrize(
    "body",
    [{"outcome": "stolen"}, {}, {"outcome": 3}, {"outcome": "paid", "card": "1"}],
)
def test_unknown_outcomes_are_refused(
    emulator: EmulatorHand, new_session: NewSession, body: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match="400"):
        emulator.post(f"sessions/{new_session().id}/pay", **body)


def test_money_is_found_again(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    emulator.pay(new_session().id)
    (intent,) = client.v1.payment_intents.list({"expand": ["data.latest_charge"]}).data
    (charge,) = client.v1.charges.list({"payment_intent": intent.id}).data
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    whole = client.v1.charges.retrieve(
        charge.id, {"expand": ["refunds", "payment_intent"]}
    )
    assert whole.refunds is not None
    assert whole.refunds.data == []
    assert client.v1.charges.list({"payment_intent": "pi_other"}).data == []
    assert client.v1.disputes.list({"charge": charge.id}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.charges.retrieve(charge.id, {"expand": ["payment_method"]})


def test_the_balance_fills_and_becomes_available(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    emulator.pay(new_session().id)
    balance = client.v1.balance.retrieve()
    assert [row.currency for row in balance.pending] == ["eur"]
    assert balance.available == []
    emulator.advance(3 * 24 * 3600)
    net = 8000 - (8000 * 15 // 1000 + 25)
    assert client.v1.balance.retrieve().available[0].amount == net


def test_events_are_listed(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    emulator.pay(new_session().id)

    def listed(**given: Any) -> list[str]:
        params: Any = given
        return [row.type for row in client.v1.events.list(params).data]

    assert listed() == PAID_EVENTS[::-1]
    assert listed(type="charge.*") == ["charge.updated", "charge.succeeded"]
    assert listed(types=["charge.succeeded", "payment_intent.created"]) == [
        *("charge.succeeded", "payment_intent.created")
    ]
    assert len(listed(delivery_success=True)) == len(PAID_EVENTS)
    assert listed(delivery_success=False) == []
    (event,) = client.v1.events.list({"type": "charge.updated"}).data
    assert client.v1.events.retrieve(event.id).type == "charge.updated"
    emulator.advance(31 * 24 * 3600)
    assert listed() == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(event.id)
