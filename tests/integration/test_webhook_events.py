"""What each event does to an order, and what has to agree before it counts as paid."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories.events import (
    JsonObject,
    complete_session,
    deliver,
    event,
    outcome_of,
    pay_by_events,
    payment_id,
    payment_of,
    refund_of,
    row_counts,
    session_of,
    tell,
)
from tests.fixtures.shop import Placed, Shop

DONE = "checkout.session.completed"
UNPAID: JsonObject = {"payment_status": "unpaid"}
FREE: JsonObject = {
    "payment_status": "no_payment_required",
    "payment_intent": None,
    "amount_total": 0,
    "total_details": {"amount_discount": 8000, "amount_shipping": 0, "amount_tax": 0},
}
EXPIRED: JsonObject = {"status": "expired", "payment_intent": None}

SINGLE_EVENTS = [
    (DONE, {}, "paid", ["created", "paid"]),
    (DONE, FREE, "paid", ["created", "paid"]),
    (DONE, UNPAID, "pending", ["created"]),
    (
        "checkout.session.async_payment_succeeded",
        {},
        "paid",
        ["created", "paid"],
    ),
    (
        "checkout.session.async_payment_failed",
        UNPAID,
        "failed",
        ["created", "failed"],
    ),
    (
        "checkout.session.expired",
        EXPIRED | UNPAID,
        "canceled",
        ["created", "canceled"],
    ),
]


@pytest.mark.parametrize(("kind", "changes", "status", "history"), SINGLE_EVENTS)
def test_an_event_of_the_session_alone_moves_the_order(
    shop: Shop, kind: str, changes: JsonObject, status: str, history: list[str]
) -> None:
    placed = shop.place()

    told = tell(shop, kind, complete_session(shop, placed, **changes))

    assert outcome_of(shop, told) == "applied"
    assert shop.order(placed.id)["status"] == status
    assert shop.history(placed.id) == history


def test_a_payment_whose_session_news_is_lost_pays_the_order(shop: Shop) -> None:
    placed = shop.place()

    tell(shop, "payment_intent.succeeded", payment_of(shop, placed))

    row = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)
    assert row["status"] == "paid"
    assert row["provider_payment_intent_id"] == payment_id(placed)
    assert row["provider_session_id"] == placed.session_id


def test_a_declined_card_leaves_the_order_payable(shop: Shop) -> None:
    placed = shop.place()
    declined = payment_of(
        shop, placed, status="requires_payment_method", amount_received=0
    )

    tell(shop, "payment_intent.payment_failed", declined)

    assert shop.order(placed.id)["status"] == "pending"
    pay_by_events(shop, placed)
    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]


@pytest.mark.parametrize("kind", ["payment_intent.canceled", "payment_intent.created"])
def test_a_payment_canceled_or_created_means_nothing_alone(
    shop: Shop, kind: str
) -> None:
    placed = shop.place()

    tell(shop, kind, payment_of(shop, placed, status="canceled"))

    assert shop.order(placed.id)["status"] == "pending"


def test_a_delayed_payment_has_no_deadline_while_the_bank_is_at_work(
    shop: Shop,
) -> None:
    placed = shop.place()

    tell(shop, DONE, complete_session(shop, placed, **UNPAID))

    row = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)
    assert row["expires_at"] is None


LATER = {
    "succeeds": ("checkout.session.async_payment_succeeded", {}, "paid"),
    "fails": ("checkout.session.async_payment_failed", UNPAID, "failed"),
}


@pytest.mark.parametrize(("kind", "changes", "status"), LATER.values(), ids=LATER)
def test_a_delayed_payment_ends_by_its_own_event(
    shop: Shop, kind: str, changes: JsonObject, status: str
) -> None:
    placed = shop.place()
    tell(shop, DONE, complete_session(shop, placed, **UNPAID))

    tell(shop, kind, complete_session(shop, placed, **changes))

    assert shop.order(placed.id)["status"] == status
    assert shop.history(placed.id) == ["created", status]


REFUND_NEWS = [
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
]


@pytest.mark.parametrize("kind", REFUND_NEWS)
def test_a_refund_counts_by_whichever_of_its_news_arrives(
    shop: Shop, kind: str
) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)

    told = tell(shop, kind, refund_of(placed, 700))

    assert outcome_of(shop, told) == "applied"
    assert shop.order(placed.id)["amount_refunded"] == 700


AFTER_PAID = [
    (DONE, {}),
    (DONE, UNPAID),
    ("checkout.session.expired", EXPIRED | UNPAID),
    ("checkout.session.async_payment_failed", UNPAID),
    ("checkout.session.async_payment_succeeded", {}),
]


@pytest.mark.parametrize(("kind", "changes"), AFTER_PAID)
def test_a_paid_order_stays_paid_whatever_its_session_tells_later(
    shop: Shop, kind: str, changes: JsonObject
) -> None:
    """Row 6: what is paid stays paid."""
    placed = shop.place()
    pay_by_events(shop, placed)
    before = row_counts(shop)

    tell(shop, kind, complete_session(shop, placed, **changes))

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]
    assert row_counts(shop) == {**before, "stripe_events": before["stripe_events"] + 1}


@pytest.mark.parametrize("status", ["requires_payment_method", "canceled"])
def test_a_paid_order_stays_paid_whatever_its_payment_tells_later(
    shop: Shop, status: str
) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)

    for kind in ("payment_intent.payment_failed", "payment_intent.canceled"):
        tell(shop, kind, payment_of(shop, placed, status=status))
    tell(shop, "payment_intent.succeeded", payment_of(shop, placed))

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]


def test_two_events_that_tell_the_same_pay_once_and_write_once(shop: Shop) -> None:
    placed = shop.place()

    pay_by_events(shop, placed)
    pay_by_events(shop, placed)
    tell(shop, "payment_intent.succeeded", payment_of(shop, placed))

    assert shop.history(placed.id) == ["created", "paid"]
    letters = shop.rows("SELECT * FROM letters")
    assert len(letters) == 2


def test_a_payment_after_the_session_expired_revives_the_order(shop: Shop) -> None:
    placed = shop.place()
    tell(shop, "checkout.session.expired", session_of(shop, placed, **EXPIRED))
    assert shop.order(placed.id)["status"] == "canceled"

    pay_by_events(shop, placed)

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "canceled", "paid"]


def test_yen_agree_without_decimals(shop: Shop) -> None:
    placed = shop.place("reading-in-yen", 2)

    pay_by_events(shop, placed)

    assert shop.order(placed.id)["status"] == "paid"
    assert shop.order(placed.id)["total_amount"] == 18000


OLDER_SHAPES: dict[str, JsonObject] = {
    "the payment as an object": {
        "payment_intent": {"id": "pi_older", "object": "payment_intent"}
    },
    "members of the future": {"something": {"new": [1]}, "payment_status": "paid"},
    "no livemode": {"livemode": None},
    "no details of the total": {"total_details": None},
}


@pytest.mark.parametrize("changes", OLDER_SHAPES.values(), ids=OLDER_SHAPES.keys())
def test_an_event_of_another_api_version_pays_all_the_same(
    shop: Shop, changes: JsonObject
) -> None:
    placed = shop.place()
    session = complete_session(shop, placed, **changes)

    answer = deliver(shop, event(DONE, session, api_version="2022-11-15"))

    assert answer.status_code == 200
    assert shop.order(placed.id)["status"] == "paid"


def matter(shop: Shop, placed: Placed) -> JsonObject:
    """Give the one thing that the owner has to look at, which is about this order."""
    row = shop.row("SELECT * FROM matters")
    assert str(row["order_id"]) == placed.id
    return row


DISAGREEMENTS: dict[str, tuple[JsonObject, str, Any, Any]] = {
    "less": ({"amount_total": 7999}, "amount", 8000, 7999),
    "more": ({"amount_total": 8001}, "amount", 8000, 8001),
    "nothing": ({"amount_total": 0}, "amount", 8000, 0),
    "discounted": (
        {"amount_total": 7000, "total_details": {"amount_discount": 1000}},
        "amount",
        8000,
        7000,
    ),
    "another currency": ({"currency": "usd"}, "currency", "EUR", "USD"),
    "live money": ({"livemode": True}, "livemode", False, True),
}


@pytest.mark.parametrize(
    ("changes", "name", "expected", "seen"),
    DISAGREEMENTS.values(),
    ids=DISAGREEMENTS.keys(),
)
def test_a_session_that_disagrees_is_not_paid_but_a_matter_with_both_figures(
    shop: Shop, changes: JsonObject, name: str, expected: Any, seen: Any
) -> None:
    """Row 9: told to the owner, never dropped."""
    placed = shop.place()

    tell(shop, DONE, complete_session(shop, placed, **changes))

    assert shop.order(placed.id)["status"] == "pending"
    assert shop.history(placed.id) == ["created"]
    figures = matter(shop, placed)["figures"]
    assert figures[name] == {"expected": expected, "seen": seen}


PAYMENT_DISAGREEMENTS: dict[str, tuple[JsonObject, str]] = {
    "less": ({"amount_received": 100}, "amount"),
    "another currency": ({"currency": "jpy"}, "currency"),
    "live money": ({"livemode": True}, "livemode"),
}


@pytest.mark.parametrize(
    ("changes", "name"),
    PAYMENT_DISAGREEMENTS.values(),
    ids=PAYMENT_DISAGREEMENTS.keys(),
)
def test_a_payment_that_disagrees_is_not_paid_but_a_matter(
    shop: Shop, changes: JsonObject, name: str
) -> None:
    placed = shop.place()

    tell(shop, "payment_intent.succeeded", payment_of(shop, placed, **changes))

    assert shop.order(placed.id)["status"] == "pending"
    assert set(matter(shop, placed)["figures"][name]) == {"expected", "seen"}


REFERENCES: dict[str, Callable[[Placed], str]] = {
    "another order": lambda other: other.id,
    "SQL": lambda _: "'; DELETE FROM orders; --",
    "five thousand characters": lambda _: "x" * 5000,
    "no order": lambda _: "00000000-0000-4000-8000-000000000000",
}


@pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES.keys())
def test_a_session_with_another_reference_is_a_matter_and_pays_nobody(
    shop: Shop, reference: Callable[[Placed], str]
) -> None:
    placed, other = shop.place(), shop.place()
    session = complete_session(shop, placed, client_reference_id=reference(other))

    tell(shop, DONE, session)

    assert shop.order(placed.id)["status"] == "pending"
    assert shop.order(other.id)["status"] == "pending"
    assert "reference" in matter(shop, placed)["figures"]


def test_another_session_under_our_mark_is_a_matter_and_pays_nobody(
    shop: Shop,
) -> None:
    placed = shop.place()

    tell(shop, DONE, complete_session(shop, placed, id="cs_test_other"))

    assert shop.order(placed.id)["status"] == "pending"
    found = matter(shop, placed)
    assert found["subject"] == "cs_test_other"
    assert found["figures"]["paid"] == {"amount": 8000, "currency": "EUR"}


def test_a_foreign_session_that_names_our_order_is_a_matter_and_pays_nobody(
    shop: Shop,
) -> None:
    placed = shop.place()
    session = complete_session(shop, placed, id="cs_test_other", metadata={})

    tell(shop, DONE, session)

    assert shop.order(placed.id)["status"] == "pending"
    assert matter(shop, placed)["subject"] == "cs_test_other"


def test_what_disagrees_is_told_once_however_often_it_comes(shop: Shop) -> None:
    placed = shop.place()
    for _ in range(3):
        tell(shop, DONE, complete_session(shop, placed, amount_total=1))

    assert matter(shop, placed)["settled_at"] is None


def test_metadata_that_says_paid_does_not_outdo_a_session_that_is_unpaid(
    shop: Shop,
) -> None:
    placed = shop.place()
    session = complete_session(shop, placed, **UNPAID)
    session["metadata"] |= {"status": "paid", "payment_status": "paid"}

    tell(shop, DONE, session)

    assert shop.order(placed.id)["status"] == "pending"


def forget_session(shop: Shop, placed: Placed) -> None:
    """Bring the order back to the moment before Stripe's answer was stored."""
    for table, key in (("orders", "id"), ("checkout_attempts", "order_id")):
        shop.rows(
            f"UPDATE {table} SET provider_session_id = NULL WHERE {key} = %s",  # noqa: S608
            placed.id,
        )
    shop.rows(
        "UPDATE checkout_attempts SET state = 'prepared' WHERE order_id = %s",
        placed.id,
    )


def test_an_event_that_overtakes_the_answer_of_our_own_call_pays_the_order(
    shop: Shop,
) -> None:
    """Row 4: found by our mark, paid once."""
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed))
    forget_session(shop, placed)

    assert deliver(shop, told).status_code == 200

    row = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)
    assert row["status"] == "paid"
    assert row["provider_session_id"] == placed.session_id


def test_an_event_without_its_id_in_our_rows_and_without_our_mark_pays_nobody(
    shop: Shop,
) -> None:
    placed = shop.place()
    told = event(DONE, complete_session(shop, placed, metadata={}))
    forget_session(shop, placed)

    assert deliver(shop, told).status_code == 200

    assert shop.order(placed.id)["status"] == "pending"
    assert matter(shop, placed)["subject"] == placed.session_id


def test_an_event_that_comes_again_is_answered_and_not_applied(shop: Shop) -> None:
    """Row 2: known by its id."""
    placed = shop.place()
    told = event("checkout.session.completed", complete_session(shop, placed))
    assert deliver(shop, told).json()["outcome"] == "applied"

    assert deliver(shop, told).json()["outcome"] == "repeated"


def test_an_event_that_comes_again_after_it_was_forgotten_changes_nothing(
    shop: Shop,
) -> None:
    """Row 2: old events are thrown away; the order remembers."""
    placed = shop.place()
    told = event("checkout.session.completed", complete_session(shop, placed))
    deliver(shop, told)
    shop.rows("DELETE FROM stripe_events")

    assert deliver(shop, told).status_code == 200

    assert shop.history(placed.id) == ["created", "paid"]
    assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 2
