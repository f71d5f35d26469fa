"""Stripe's objects: read whole or refused, whatever is missing or mistyped."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.gateway.errors import BodyUnusable
from storefront.gateway.port import Mark, SessionOutcome
from storefront.gateway.reading import (
    read_charge,
    read_dispute,
    read_mark,
    read_payment,
    read_refund,
    read_refunded_charge,
    read_session,
)

Json = dict[str, Any]
ORDER = "0b4d8a06-4b67-4d0c-9d0e-9d6f6c3f9a11"
ATTEMPT = "51c7f5c1-3e0f-4f2d-8a59-0d0d3a4c2b22"
MARK = {"storefront": "https://a.example", "order_id": ORDER, "attempt_id": ATTEMPT}
ADDRESS = {"line1": "Rua do Poço 3", "city": "Porto", "country": "PT"}
SESSION: Json = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "status": "complete",
    "payment_status": "paid",
    "url": None,
    "amount_total": 8000,
    "currency": "eur",
    "payment_intent": "pi_1",
    "client_reference_id": ORDER,
    "metadata": MARK,
    "livemode": False,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "created": 1795435200,
    "customer_email": "asked@example.com",
    "customer_details": {"email": "ana@example.com", "name": "Ana Lima"},
    "success_url": "https://a.example/orders/t?from=payment",
}
INTENT: Json = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 8000,
    "amount_received": 8000,
    "currency": "eur",
    "status": "succeeded",
    "metadata": MARK,
    "livemode": False,
}
REFUND: Json = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "currency": "eur",
    "payment_intent": "pi_1",
    "status": "succeeded",
}
CHARGE: Json = {
    "id": "ch_1",
    "status": "succeeded",
    "amount": 8000,
    "amount_captured": 8000,
    "currency": "eur",
    "payment_intent": "pi_1",
    "metadata": MARK,
    "livemode": False,
}
DISPUTE: Json = {
    "id": "dp_1",
    "amount": 8000,
    "currency": "eur",
    "payment_intent": "pi_1",
    "status": "needs_response",
    "reason": "fraudulent",
}
OURS = Mark("https://a.example", UUID(ORDER), UUID(ATTEMPT), None, None)
READERS: list[Callable[[Json], Any]] = [
    read_session,
    read_payment,
    read_charge,
    read_refund,
    read_refunded_charge,
    read_dispute,
]
NOT_TEXT: list[Any] = [None, "", 1, True, [], {}, "\x00", "a\nb", "é", "x" * 256]
NOT_AMOUNT: list[Any] = [None, "8000", 80.0, True, -1, 2**31, 10**30, [], {}]
NOT_CURRENCY: list[Any] = [*NOT_TEXT, "xxx", "euro", "€", "EUR "]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**4000, max_value=10**4001)
    | st.floats()
    | st.text(st.characters(), max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=6,
)


def without(thing: Json, name: str) -> Json:
    """Leave a member out."""
    return {key: value for key, value in thing.items() if key != name}


# What is missing or mistyped


@pytest.mark.parametrize("name", ["id", "status", "amount_total", "currency"])
def test_a_session_that_lacks_what_counts_is_unusable(name: str) -> None:
    with pytest.raises(BodyUnusable):
        read_session(without(SESSION, name))


@pytest.mark.parametrize(
    "name",
    [
        "url",
        "payment_intent",
        "client_reference_id",
        "created",
        "customer_email",
        "customer_details",
        "success_url",
        "metadata",
        "livemode",
        "total_details",
        "payment_status",
        "object",
    ],
)
def test_a_session_may_lack_the_rest(name: str) -> None:
    assert read_session(without(SESSION, name)).id == "cs_test_1"


@pytest.mark.parametrize("name", ["id", "amount_received", "currency"])
def test_a_payment_that_lacks_what_counts_is_unusable(name: str) -> None:
    with pytest.raises(BodyUnusable):
        read_payment(without(INTENT, name))


@pytest.mark.parametrize("name", ["id", "amount", "currency", "status"])
def test_a_refund_that_lacks_what_counts_is_unusable(name: str) -> None:
    with pytest.raises(BodyUnusable):
        read_refund(without(REFUND, name))


@pytest.mark.parametrize("value", NOT_TEXT)
def test_an_id_that_is_none_makes_a_session_unusable(value: Any) -> None:
    with pytest.raises(BodyUnusable):
        read_session({**SESSION, "id": value})


@pytest.mark.parametrize("value", NOT_AMOUNT)
def test_an_amount_that_is_none_makes_everything_unusable(value: Any) -> None:
    with pytest.raises(BodyUnusable):
        read_session({**SESSION, "amount_total": value})
    with pytest.raises(BodyUnusable):
        read_payment({**INTENT, "amount_received": value})
    with pytest.raises(BodyUnusable):
        read_refund({**REFUND, "amount": value})


@pytest.mark.parametrize("value", NOT_CURRENCY)
def test_a_currency_that_is_none_makes_everything_unusable(value: Any) -> None:
    with pytest.raises(BodyUnusable):
        read_session({**SESSION, "currency": value})
    with pytest.raises(BodyUnusable):
        read_payment({**INTENT, "currency": value})
    with pytest.raises(BodyUnusable):
        read_refund({**REFUND, "currency": value})


@pytest.mark.parametrize("status", [None, "", "done", "COMPLETE", 1, [], ["open"], {}])
def test_a_session_of_a_status_that_we_do_not_know_is_unusable(status: Any) -> None:
    with pytest.raises(BodyUnusable):
        read_session({**SESSION, "status": status})


@pytest.mark.parametrize("value", ["true", 1, None, "live", [True]])
def test_only_true_is_live(value: Any) -> None:
    assert not read_session({**SESSION, "livemode": value}).livemode
    assert not read_payment({**INTENT, "livemode": value}).livemode


@pytest.mark.parametrize("value", [1, True, [], {}, {"id": 1}, "", "\x00", "x" * 256])
def test_a_mistyped_payment_is_no_payment(value: Any) -> None:
    assert read_session({**SESSION, "payment_intent": value}).payment_intent_id is None


@pytest.mark.parametrize("details", [None, [], "x", {}, {"amount_discount": "5"}])
def test_a_mistyped_discount_is_none(details: Any) -> None:
    assert read_session({**SESSION, "total_details": details}).amount_discounted == 0


def test_what_a_delivery_says_of_money_fits_a_column() -> None:
    # MGA: Stripe counts whole ones, ISO 4217 hundredths.
    with pytest.raises(BodyUnusable):
        read_refund({**REFUND, "amount": 2**31 - 1, "currency": "mga"})


# Anything at all


@given(st.dictionaries(st.text(max_size=10), json_values))
def test_any_object_is_read_or_unusable_and_nothing_worse(thing: Json) -> None:
    for read in READERS:
        with suppress(BodyUnusable):
            read(thing)


@given(
    st.sampled_from([SESSION, INTENT, REFUND, CHARGE, DISPUTE]),
    st.dictionaries(
        st.sampled_from(
            [
                *SESSION,
                *CHARGE,
                *DISPUTE,
                "amount_received",
                "collected_information",
                "shipping_details",
            ]
        ),
        json_values,
        max_size=3,
    ),
    st.booleans(),
)
def test_any_member_may_be_anything(good: Json, bad: Json, failed: bool) -> None:
    thing = {**good, **bad}
    with suppress(BodyUnusable):
        read_session(thing, failed=failed)
    for read in READERS:
        with suppress(BodyUnusable):
            read(thing)


@given(json_values, json_values, json_values)
def test_any_mark_is_read_or_not_ours(shop: Any, order: Any, attempt: Any) -> None:
    metadata = {"storefront": shop, "order_id": order, "attempt_id": attempt}
    mark = read_mark({"metadata": metadata})
    assert mark is None or mark.shop == shop


# How far a session has come


@pytest.mark.parametrize(
    ("status", "payment", "outcome"),
    [
        ("open", "unpaid", SessionOutcome.OPEN),
        ("open", None, SessionOutcome.OPEN),
        ("expired", "unpaid", SessionOutcome.EXPIRED),
        ("complete", "unpaid", SessionOutcome.PROCESSING),
        ("complete", None, SessionOutcome.PROCESSING),
        ("complete", "PAID", SessionOutcome.PROCESSING),
        ("complete", ["paid"], SessionOutcome.PROCESSING),
        ("complete", "paid", SessionOutcome.PAID),
        ("complete", "no_payment_required", SessionOutcome.PAID),
    ],
)
def test_status_and_payment_together_tell_the_outcome(
    status: str, payment: Any, outcome: SessionOutcome
) -> None:
    session = {**SESSION, "status": status, "payment_status": payment}
    assert read_session(session).outcome is outcome


def test_metadata_that_says_paid_pays_nothing() -> None:
    session = {**SESSION, "payment_status": "unpaid", "status": "open"}
    session["metadata"] = {**MARK, "payment_status": "paid", "status": "complete"}
    assert read_session(session).outcome is SessionOutcome.OPEN


def test_the_events_word_for_a_failed_delayed_payment_counts() -> None:
    # The object still says complete and unpaid, as while the bank was at work.
    session = {**SESSION, "payment_status": "unpaid"}
    assert read_session(session, failed=True).outcome is SessionOutcome.FAILED


@pytest.mark.parametrize("status", ["requires_payment_method", "canceled"])
def test_an_expanded_payment_tells_that_the_delayed_payment_failed(status: str) -> None:
    intent = {**INTENT, "status": status}
    session = {**SESSION, "payment_status": "unpaid", "payment_intent": intent}
    seen = read_session(session)
    assert seen.outcome is SessionOutcome.FAILED
    assert seen.payment_intent_id == "pi_1"


@pytest.mark.parametrize("status", ["processing", "requires_action", "new", None])
def test_an_expanded_payment_under_way_is_under_way(status: Any) -> None:
    intent = {**INTENT, "status": status}
    session = {**SESSION, "payment_status": "unpaid", "payment_intent": intent}
    assert read_session(session).outcome is SessionOutcome.PROCESSING


def test_a_declined_card_leaves_the_session_open() -> None:
    intent = {**INTENT, "status": "requires_payment_method"}
    session = {**SESSION, "status": "open", "payment_status": "unpaid"}
    seen = read_session({**session, "payment_intent": intent})
    assert seen.outcome is SessionOutcome.OPEN


# In our units and spelling


@pytest.mark.parametrize(
    ("wire", "currency", "amount"),
    [
        (9000, "jpy", 9000),
        (50000, "isk", 500),
        (1230, "kwd", 1230),
        (5, "mga", 500),
        (8000, "EUR", 8000),
        (0, "eur", 0),
    ],
)
def test_amounts_come_in_our_units(wire: int, currency: str, amount: int) -> None:
    session = {**SESSION, "amount_total": wire, "currency": currency}
    seen = read_session({**session, "total_details": {"amount_discount": wire}})
    assert (seen.amount, seen.amount_discounted) == (amount, amount)
    assert seen.currency == currency.upper()
    refund = read_refund({**REFUND, "amount": wire, "currency": currency})
    assert refund is not None
    assert refund.amount == amount


def test_a_payment_is_what_was_received_not_what_was_asked() -> None:
    assert read_payment({**INTENT, "amount_received": 7000}).amount == 7000


def test_the_mark_names_shop_order_and_attempt() -> None:
    assert read_session(SESSION).mark == OURS
    assert read_payment(INTENT).mark == OURS


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        [],
        "x",
        without(MARK, "storefront"),
        without(MARK, "order_id"),
        {**MARK, "storefront": None},
        {**MARK, "order_id": "'; DROP TABLE orders; --"},
        {**MARK, "order_id": "x" * 5000},
        {**MARK, "order_id": 1},
    ],
)
def test_what_bears_no_mark_of_ours_is_not_ours(metadata: Any) -> None:
    assert read_session({**SESSION, "metadata": metadata}).mark is None


@pytest.mark.parametrize("attempt", [None, "", "1", 1, []])
def test_a_mark_without_attempt_still_names_the_order(attempt: Any) -> None:
    mark = read_mark({"metadata": {**MARK, "attempt_id": attempt}})
    assert mark == replace(OURS, attempt_id=None)


# Older and newer shapes


@pytest.mark.parametrize(
    "shape",
    [
        {"collected_information": {"shipping_details": {"address": ADDRESS}}},
        {"shipping_details": {"address": ADDRESS}},
        {"collected_information": None, "shipping_details": {"address": ADDRESS}},
        {
            "collected_information": {"shipping_details": None},
            "shipping_details": {"address": ADDRESS},
        },
    ],
)
def test_an_address_is_read_from_old_and_new_shapes(shape: Json) -> None:
    assert read_session({**SESSION, **shape}).shipping == {"name": None, **ADDRESS}


@pytest.mark.parametrize(
    "shape",
    [
        {"shipping_details": "Porto"},
        {"shipping_details": {"address": "Porto"}},
        {"shipping_details": {"address": None}},
        {"collected_information": [ADDRESS]},
    ],
)
def test_a_mistyped_address_is_none(shape: Json) -> None:
    assert read_session({**SESSION, **shape}).shipping is None


def test_members_that_nobody_knows_yet_do_no_harm() -> None:
    seen = read_session({**SESSION, "moon": {"phase": "full"}, "mode": "payment"})
    assert seen == read_session(SESSION)


# Refunds


@pytest.mark.parametrize("payment", [None, "", 1, {}, {"id": None}])
def test_a_refund_of_no_payment_is_nothing_of_ours(payment: Any) -> None:
    assert read_refund({**REFUND, "payment_intent": payment}) is None
    assert read_refunded_charge({**CHARGE, "payment_intent": payment}) is None


def test_a_refund_names_its_payment_also_when_that_is_expanded() -> None:
    refund = read_refund({**REFUND, "payment_intent": INTENT})
    assert refund is not None
    assert refund.payment_intent_id == "pi_1"


def test_a_refund_keeps_a_state_that_stripe_adds_one_day() -> None:
    refund = read_refund({**REFUND, "status": "under_review"})
    assert refund is not None
    assert refund.state == "under_review"


@pytest.mark.parametrize(
    "more", [{}, {"refunds": {"data": [REFUND]}}, {"amount_refunded": "much"}]
)
def test_a_refunded_charge_is_a_hint_with_and_without_its_refunds(more: Json) -> None:
    hint = read_refunded_charge({**CHARGE, **more})
    assert hint is not None
    assert hint.payment_intent_id == "pi_1"
    assert hint.mark == OURS


# Charges that collected money, disputes, and what a lost order is rebuilt from


@pytest.mark.parametrize("status", ["pending", "failed", None, "SUCCEEDED", 1, []])
def test_a_charge_that_collected_nothing_pays_nothing(status: Any) -> None:
    assert read_charge({**CHARGE, "status": status}) is None


@pytest.mark.parametrize("payment", [None, "", 1, {}, {"id": None}])
def test_a_charge_or_dispute_of_no_payment_is_nothing_of_ours(payment: Any) -> None:
    assert read_charge({**CHARGE, "payment_intent": payment}) is None
    assert read_dispute({**DISPUTE, "payment_intent": payment}) is None


@pytest.mark.parametrize("name", ["amount_captured", "currency"])
def test_a_charge_that_lacks_what_counts_is_unusable(name: str) -> None:
    with pytest.raises(BodyUnusable):
        read_charge(without(CHARGE, name))


def test_a_charge_is_the_payment_that_it_has_collected() -> None:
    payment = read_charge({**CHARGE, "amount": 9000, "amount_captured": 8000})
    assert payment == read_payment(INTENT)


@pytest.mark.parametrize("name", ["id", "amount", "currency", "status"])
def test_a_dispute_that_lacks_what_counts_is_unusable(name: str) -> None:
    with pytest.raises(BodyUnusable):
        read_dispute(without(DISPUTE, name))


@pytest.mark.parametrize("reason", [None, "", 1, [], {}])
def test_a_dispute_without_a_reason_is_a_general_one(reason: Any) -> None:
    dispute = read_dispute({**DISPUTE, "reason": reason})
    assert dispute is not None
    assert dispute.reason == "general"


def test_a_dispute_keeps_a_state_that_stripe_adds_one_day() -> None:
    dispute = read_dispute({**DISPUTE, "status": "under_the_moon"})
    assert dispute is not None
    assert dispute.state == "under_the_moon"


def test_the_address_that_was_typed_at_stripe_wins_over_the_one_we_sent() -> None:
    assert read_session(SESSION).email == "ana@example.com"
    assert read_session(without(SESSION, "customer_details")).email == (
        "asked@example.com"
    )


@pytest.mark.parametrize("details", [None, [], "x", {}, {"email": 1, "name": []}])
def test_mistyped_details_of_a_customer_are_none(details: Any) -> None:
    seen = read_session({**SESSION, "customer_details": details})
    assert seen.email == "asked@example.com"
    assert seen.customer_name is None


@pytest.mark.parametrize("created", [None, "now", 1.5, True, []])
def test_a_mistyped_time_is_none(created: Any) -> None:
    assert read_session({**SESSION, "created": created}).created == 0


@pytest.mark.parametrize("value", [1, [], {}, "", None])
def test_a_mark_may_lack_what_a_lost_order_is_rebuilt_from(value: Any) -> None:
    metadata = {**MARK, "order_number": value, "items": value}
    assert read_mark({"metadata": metadata}) == OURS
