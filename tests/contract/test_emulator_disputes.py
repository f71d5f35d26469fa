"""Disputes: inquiries and chargebacks, their money, their events, how they end."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator import shapes
from tests.contract.conftest import NewSession
from tests.contract.description import ApiDescription
from tests.fixtures.emulator import EmulatorHand

DISPUTED, NOT_RECEIVED, INQUIRED = (
    "4000000000000259",
    "4000000000002685",
    "4000000000001976",
)
CREATED = "charge.dispute.created"
WITHDRAWN = "charge.dispute.funds_withdrawn"
REINSTATED = "charge.dispute.funds_reinstated"
CLOSED = "charge.dispute.closed"
UPDATED = "charge.dispute.updated"


@pytest.fixture(autouse=True)
def every_event_fits(
    emulator: EmulatorHand, description: ApiDescription
) -> Iterator[None]:
    """Hold what the test left in the ledger against the description."""
    yield
    ledger = emulator.ledger("events", "balance_transactions")
    for event in ledger["events"]:
        description.check_object("event", event)
    for entry in ledger["balance_transactions"]:
        description.check_object("balance_transaction", entry)


@pytest.fixture
def charge_id(emulator: EmulatorHand, new_session: NewSession) -> str:
    """Give a paid charge of 8000."""
    session = new_session()
    emulator.pay(session.id)
    return str(emulator.charge_of(session.id)["id"])


def kinds(emulator: EmulatorHand) -> list[str]:
    """Give the types of the events about disputes."""
    told = [event["type"] for event in emulator.events()]
    return [kind for kind in told if kind.startswith("charge.dispute.")]


def left(client: stripe.StripeClient) -> int:
    """Give what stands on the account's balance."""
    return sum(row.amount for row in client.v1.balance.retrieve().pending)


def test_a_dispute_takes_the_money(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str
) -> None:
    before = left(client)
    made = emulator.dispute(charge_id, reason="duplicate")
    found = client.v1.disputes.retrieve(made["id"], {"expand": ["charge"]})
    assert (found.status, found.reason, found.amount) == (
        *("needs_response", "duplicate"),
        8000,
    )
    assert not found.is_charge_refundable
    assert isinstance(found.charge, stripe.Charge)
    assert found.charge.disputed
    (entry,) = found.balance_transactions
    assert (entry.amount, entry.fee, entry.type) == (-8000, 2000, "adjustment")
    assert entry.reporting_category == "dispute"
    assert before - left(client) == 10_000
    assert kinds(emulator) == [CREATED, WITHDRAWN]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_ends(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str, outcome: str
) -> None:
    made = emulator.dispute(charge_id)
    emulator.move_dispute(made["id"], "under_review")
    emulator.close_dispute(made["id"], outcome)
    found = client.v1.disputes.retrieve(made["id"])
    assert found.status == outcome
    assert found.evidence_details.has_evidence
    amounts = [entry.amount for entry in found.balance_transactions]
    assert amounts == ([-8000, 8000] if outcome == "won" else [-8000])
    reinstated = [REINSTATED] if outcome == "won" else []
    assert kinds(emulator) == [CREATED, WITHDRAWN, UPDATED, *reinstated, CLOSED]
    (closed,) = emulator.events(CLOSED)
    assert closed["data"]["previous_attributes"]["status"] == "under_review"
    assert client.v1.charges.retrieve(charge_id).disputed


def test_an_inquiry_takes_nothing_yet(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str
) -> None:
    made = emulator.dispute(charge_id, inquiry=True)
    assert made["status"] == "warning_needs_response"
    assert made["balance_transactions"] == []
    assert made["is_charge_refundable"]
    assert client.v1.refunds.create({"charge": charge_id, "amount": 100}).id
    emulator.move_dispute(made["id"], "warning_under_review")
    closed = emulator.close_dispute(made["id"], "warning_closed")
    assert closed["status"] == "warning_closed"
    assert kinds(emulator) == [CREATED, UPDATED, CLOSED]


def test_an_inquiry_becomes_a_dispute(emulator: EmulatorHand, charge_id: str) -> None:
    made = emulator.dispute(charge_id, inquiry=True)
    grown = emulator.move_dispute(made["id"], "needs_response")
    assert grown["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert [entry["amount"] for entry in grown["balance_transactions"]] == [-8000]
    emulator.close_dispute(made["id"], "lost")
    assert kinds(emulator) == [CREATED, UPDATED, WITHDRAWN, CLOSED]


def test_what_is_disputed_is_not_refunded(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str
) -> None:
    made = emulator.dispute(charge_id, amount=5000)
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as caught:
        client.v1.refunds.create({"charge": charge_id, "amount": 100})
    assert caught.value.code == "charge_disputed"
    emulator.close_dispute(made["id"], "won")
    assert client.v1.refunds.create({"charge": charge_id}).status == "succeeded"


def test_what_was_lost_is_not_refunded(
    emulator: EmulatorHand, client: stripe.StripeClient, charge_id: str
) -> None:
    emulator.close_dispute(emulator.dispute(charge_id)["id"], "lost")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge_id})
    assert caught.value.code == "charge_disputed"


def test_disputes_are_listed(
    emulator: EmulatorHand, client: stripe.StripeClient, new_session: NewSession
) -> None:
    charges = []
    for _ in range(3):
        key = new_session().id
        emulator.pay(key)
        charges.append(emulator.charge_of(key))
        emulator.dispute(charges[-1]["id"])
    listed = client.v1.disputes.list({"limit": 2})
    assert [row.charge for row in listed.data] == [
        *(charges[2]["id"], charges[1]["id"])
    ]
    assert listed.has_more
    assert len(list(listed.auto_paging_iter())) == 3
    of_one: Any = {"payment_intent": charges[0]["payment_intent"]}
    assert [row.charge for row in client.v1.disputes.list(of_one).data] == [
        charges[0]["id"]
    ]
    assert client.v1.disputes.list({"created": {"gt": 9_999_999_999}}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.retrieve("du_none")


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [
        (DISPUTED, "needs_response", "fraudulent"),
        (NOT_RECEIVED, "needs_response", "product_not_received"),
        (INQUIRED, "warning_needs_response", "fraudulent"),
    ],
)
def test_cards_made_for_it_are_disputed_at_once(
    emulator: EmulatorHand, new_session: NewSession, card: str, status: str, reason: str
) -> None:
    session = emulator.pay(new_session().id, card=card)
    assert session["payment_status"] == "paid"
    (dispute,) = emulator.ledger("disputes")["disputes"]
    assert (dispute["status"], dispute["reason"]) == (status, reason)
    told = [event["type"] for event in emulator.events()]
    assert told.index("charge.succeeded") < told.index(CREATED)
    assert told.index(CREATED) < told.index("payment_intent.succeeded")


def test_a_bank_debit_is_disputed_without_a_card(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    key = new_session().id
    emulator.pay(key, "delayed_succeeds")
    made = emulator.dispute(emulator.charge_of(key)["id"])
    assert made["payment_method_details"] is None


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"reason": "boredom"}, 400),
        ({"amount": 0}, 400),
        ({"amount": 8001}, 400),
        ({"inquiry": "yes"}, 400),
    ],
)
def test_what_is_no_dispute_is_refused(
    emulator: EmulatorHand, charge_id: str, given: Any, status: int
) -> None:
    with pytest.raises(AssertionError, match=str(status)):
        emulator.dispute(charge_id, **given)
    assert emulator.ledger("disputes")["disputes"] == []


def test_a_dispute_goes_only_its_ways(
    emulator: EmulatorHand, new_session: NewSession, charge_id: str
) -> None:
    made = emulator.dispute(charge_id)
    with pytest.raises(AssertionError, match="409"):
        emulator.dispute(charge_id)
    with pytest.raises(AssertionError, match="409"):
        emulator.close_dispute(made["id"], "warning_closed")
    with pytest.raises(AssertionError, match="409"):
        emulator.move_dispute(made["id"], "won")
    with pytest.raises(AssertionError, match="404"):
        emulator.close_dispute("du_none", "won")
    with pytest.raises(AssertionError, match="404"):
        emulator.dispute("ch_none")
    session = new_session()
    emulator.pay(session.id, "declined")
    with pytest.raises(AssertionError, match="409"):
        emulator.dispute(emulator.charge_of(session.id)["id"])


def test_the_desk_disputes(
    emulator: EmulatorHand, http: requests.Session, charge_id: str
) -> None:
    inquire = f"{emulator.url}/people/charges/{charge_id}/dispute"
    assert inquire.removeprefix(emulator.url) in http.get(emulator.url).text
    http.post(inquire, {"as": "inquiry"})
    (made,) = emulator.ledger("disputes")["disputes"]
    page = http.get(emulator.url).text
    assert "Close the inquiry" in page
    assert inquire.removeprefix(emulator.url) not in page
    close = f"{emulator.url}/people/disputes/{made['id']}/close"
    http.post(close, {"outcome": "warning_closed"})
    http.post(inquire)
    first, second = emulator.ledger("disputes")["disputes"]
    assert (first["status"], second["status"]) == ("warning_closed", "needs_response")
    assert "Shop wins" in http.get(emulator.url).text


def test_the_evidence_is_the_described_one(description: ApiDescription) -> None:
    described = description.properties("dispute")["evidence"]["properties"]
    assert set(shapes.EVIDENCE) == set(described) - {"enhanced_evidence"}
