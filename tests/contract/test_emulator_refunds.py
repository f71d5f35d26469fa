"""Refunds: partial, whole, too much, pending, and those that fail after all."""

from collections.abc import Iterator

import pytest
import stripe

from tests.contract.conftest import NewSession
from tests.contract.description import ApiDescription
from tests.fixtures.emulator import EmulatorHand

FAILS_LATER, PENDS_FIRST = "4000000000005126", "4000000000007726"


@pytest.fixture(autouse=True)
def every_event_fits(
    emulator: EmulatorHand, description: ApiDescription
) -> Iterator[None]:
    """Hold what the test left in the ledger against the description."""
    yield
    for event in emulator.events():
        description.check_object("event", event)


@pytest.fixture
def charge_id(emulator: EmulatorHand, new_session: NewSession) -> str:
    """Give a paid charge of 8000."""
    session = new_session()
    emulator.pay(session.id)
    return str(emulator.charge_of(session.id)["id"])


def kinds(emulator: EmulatorHand) -> list[str]:
    told = [event["type"] for event in emulator.events()]
    return told[told.index("charge.updated") + 1 :]


def test_partial_refunds_add_up(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str
) -> None:
    first = client.v1.refunds.create({"charge": charge_id, "amount": 3000})
    assert (first.status, first.amount, first.charge) == ("succeeded", 3000, charge_id)
    assert client.v1.charges.retrieve(charge_id).amount_refunded == 3000
    client.v1.refunds.create(
        {"payment_intent": str(first.payment_intent), "reason": "duplicate"}
    )
    charge = client.v1.charges.retrieve(charge_id, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (8000, True)
    assert charge.refunds is not None
    assert [refund.amount for refund in charge.refunds.data] == [5000, 3000]
    assert kinds(emulator) == ["refund.created", "charge.refunded"] * 2
    told = emulator.events("charge.refunded")[0]["data"]
    assert told["previous_attributes"] == {"amount_refunded": 0}
    assert "refunds" not in told["object"]


def test_refunds_are_found_again(client: stripe.StripeClient, charge_id: str) -> None:
    made = client.v1.refunds.create(
        {"charge": charge_id, "amount": 1000, "metadata": {"why": "kindness"}}
    )
    found = client.v1.refunds.retrieve(made.id, {"expand": ["charge"]})
    assert isinstance(found.charge, stripe.Charge)
    assert found.metadata is not None
    assert found.metadata["why"] == "kindness"
    assert [row.id for row in client.v1.refunds.list({"charge": charge_id}).data] == [
        made.id
    ]
    assert client.v1.refunds.list({"payment_intent": "pi_other"}).data == []


def test_too_much_is_refused(client: stripe.StripeClient, charge_id: str) -> None:
    with pytest.raises(
        stripe.InvalidRequestError, match="greater than charge"
    ) as caught:
        client.v1.refunds.create({"charge": charge_id, "amount": 8001})
    assert caught.value.param == "amount"
    client.v1.refunds.create({"charge": charge_id, "amount": 7000})
    with pytest.raises(stripe.InvalidRequestError, match="unrefunded amount"):
        client.v1.refunds.create({"charge": charge_id, "amount": 1001})


def test_nothing_left_is_refused(client: stripe.StripeClient, charge_id: str) -> None:
    client.v1.refunds.create({"charge": charge_id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge_id})
    assert caught.value.code == "charge_already_refunded"


@pytest.mark.parametrize("amount", [0, -5])
def test_no_amount_is_refused(
    client: stripe.StripeClient, charge_id: str, amount: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge_id, "amount": amount})
    assert caught.value.param == "amount"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "parameter_missing"),
        ({"charge": "ch_none"}, "resource_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
    ],
)
def test_refunding_nothing_is_refused(
    client: stripe.StripeClient, params: dict[str, str], code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create(params)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_what_never_arrived_is_not_refunded(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = emulator.pay(new_session().id, "delayed")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": session["payment_intent"]})


def test_a_refund_fails_after_all(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    key = new_session().id
    emulator.pay(key, card=FAILS_LATER)
    charge_id = emulator.charge_of(key)["id"]
    made = client.v1.refunds.create({"charge": charge_id, "amount": 2000})
    assert made.status == "succeeded"
    emulator.advance(60)
    failed = client.v1.refunds.retrieve(
        made.id, {"expand": ["failure_balance_transaction"]}
    )
    assert (failed.status, failed.failure_reason) == (
        "failed",
        "expired_or_canceled_card",
    )
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.amount == 2000
    assert client.v1.charges.retrieve(charge_id).amount_refunded == 0
    assert kinds(emulator)[2:] == [
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        "charge.updated",
    ]


def test_a_refund_is_pending_first(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    key = new_session().id
    emulator.pay(key, card=PENDS_FIRST)
    made = client.v1.refunds.create({"charge": emulator.charge_of(key)["id"]})
    assert (made.status, made.balance_transaction) == ("pending", None)
    emulator.advance(60)
    later = client.v1.refunds.retrieve(made.id)
    assert later.status == "succeeded"
    assert later.balance_transaction is not None
    assert kinds(emulator)[2:] == ["refund.updated", "charge.refund.updated"]


@pytest.mark.parametrize("lowers", [True, False])
def test_a_failure_lowers_the_charge_or_not(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str, *, lowers: bool
) -> None:
    made = client.v1.refunds.create({"charge": charge_id, "amount": 500})
    emulator.turn_refund(made.id, "failed", lowers_charge=lowers)
    left = client.v1.charges.retrieve(charge_id).amount_refunded
    assert left == (0 if lowers else 500)


@pytest.mark.parametrize("status", ["pending", "succeeded", "canceled", "lost"])
def test_a_refund_does_not_go_back(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str, status: str
) -> None:
    made = client.v1.refunds.create({"charge": charge_id})
    with pytest.raises(AssertionError, match="409"):
        emulator.turn_refund(made.id, status)


def test_a_pending_refund_may_be_canceled(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    key = new_session().id
    emulator.pay(key, card=PENDS_FIRST)
    made = client.v1.refunds.create({"charge": emulator.charge_of(key)["id"]})
    canceled = emulator.turn_refund(made.id, "canceled")
    assert canceled["failure_balance_transaction"] is None
    assert not emulator.charge_of(key)["refunded"]
