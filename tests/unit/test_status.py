"""From facts to status: a function of what is known, not of when it arrived."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.orders.models import (
    AttemptState,
    OrderEventType,
    OrderStatus,
    RefundState,
)
from storefront.orders.service import TOLD_AS
from storefront.orders.status import (
    UNDER_WAY,
    UNFINISHED,
    derive_status,
    furthest,
    settling,
    standing,
)

PREPARED, OPEN = AttemptState.PREPARED, AttemptState.OPEN
PROCESSING, EXPIRED = AttemptState.PROCESSING, AttemptState.EXPIRED
FAILED, DISAGREES = AttemptState.FAILED, AttemptState.DISAGREES
PAID = AttemptState.PAID
TOTAL = 8000

attempt_states = st.sampled_from(AttemptState)
histories = st.lists(attempt_states, min_size=1, max_size=5)
# What came of an attempt: which one, and how far it was seen.
sightings = st.lists(st.tuples(st.integers(0, 2), attempt_states), max_size=8)


def gather(seen: Sequence[tuple[int, AttemptState]]) -> list[AttemptState]:
    """Learn of three attempts what was seen, in this order."""
    states = [PREPARED] * 3
    for place, state in seen:
        states[place] = furthest(states[place], state)
    return states


@pytest.mark.parametrize(
    ("states", "status"),
    [
        # An attempt is open, or complete but unpaid; a card was declined.
        ([PREPARED], "pending"),
        ([OPEN], "pending"),
        ([PROCESSING], "pending"),
        ([EXPIRED, OPEN], "pending"),
        ([FAILED, PREPARED], "pending"),
        ([FAILED, EXPIRED, PROCESSING], "pending"),
        # Paid in a way that disagrees: as before.
        ([DISAGREES], "pending"),
        ([EXPIRED, DISAGREES], "pending"),
        # Paid, whatever else there is.
        ([PAID], "paid"),
        ([PAID, OPEN], "paid"),
        ([EXPIRED, PAID], "paid"),
        ([PAID, EXPIRED], "paid"),
        ([FAILED, PAID], "paid"),
        ([PAID, PAID], "paid"),
        ([DISAGREES, PAID], "paid"),
        # A delayed payment failed and no attempt is open.
        ([FAILED], "failed"),
        ([EXPIRED, FAILED], "failed"),
        # Given up or expired, and none is open or paid.
        ([EXPIRED], "canceled"),
        ([EXPIRED, EXPIRED], "canceled"),
        ([FAILED, EXPIRED], "canceled"),
    ],
)
def test_the_table_of_the_contract(states: list[AttemptState], status: str) -> None:
    assert derive_status(states, TOTAL, 0) == status


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(0, "paid"), (1, "paid"), (7999, "paid"), (8000, "refunded")],
)
def test_only_all_of_it_refunded_is_refunded(refunded: int, status: str) -> None:
    assert derive_status([PAID], TOTAL, refunded) == status


def test_a_refund_that_fails_later_makes_it_paid_again() -> None:
    assert derive_status([PAID], TOTAL, TOTAL) is OrderStatus.REFUNDED
    assert derive_status([PAID], TOTAL, 0) is OrderStatus.PAID


@given(histories.filter(lambda states: PAID not in states), st.integers(0, TOTAL))
def test_nothing_is_paid_or_refunded_without_a_payment(
    states: list[AttemptState], refunded: int
) -> None:
    status = derive_status(states, TOTAL, refunded)
    assert status not in (OrderStatus.PAID, OrderStatus.REFUNDED)


@given(sightings, sightings)
def test_paid_stays_paid_whatever_is_learned_later(
    before: list[tuple[int, AttemptState]], after: list[tuple[int, AttemptState]]
) -> None:
    paid = [*before, (1, PAID)]
    assert derive_status(gather(paid), TOTAL, 0) is OrderStatus.PAID
    assert derive_status(gather([*paid, *after]), TOTAL, 0) is OrderStatus.PAID


@given(st.data())
def test_every_order_of_arrival_ends_the_same(data: st.DataObject) -> None:
    seen = data.draw(sightings)
    shuffled = data.draw(st.permutations(seen))
    assert gather(shuffled) == gather(seen)


@given(sightings)
def test_hearing_it_all_again_changes_nothing(
    seen: list[tuple[int, AttemptState]],
) -> None:
    assert gather(seen * 2) == gather(seen)


@given(st.lists(attempt_states, min_size=1))
def test_facts_advance_and_never_go_back(seen: list[AttemptState]) -> None:
    ranks = list(AttemptState)
    known = PREPARED
    for state in seen:
        before, known = known, furthest(known, state)
        assert ranks.index(known) >= ranks.index(before)


@given(histories, st.integers(0, TOTAL))
def test_every_set_of_facts_has_a_status(
    states: list[AttemptState], refunded: int
) -> None:
    assert derive_status(states, TOTAL, refunded) in OrderStatus


@given(histories)
def test_the_first_payment_settles_the_order(states: list[AttemptState]) -> None:
    place = settling(states)
    if place is None:
        assert PAID not in states
    else:
        assert states[place] is PAID
        assert PAID not in states[:place]


def test_a_paid_attempt_outranks_everything() -> None:
    assert all(furthest(state, PAID) is PAID for state in AttemptState)


def test_what_can_still_move_is_under_way() -> None:
    assert set(UNFINISHED) == {PREPARED, OPEN, PROCESSING}
    assert UNDER_WAY > UNFINISHED
    assert PAID not in UNDER_WAY


def test_statuses_and_events_are_those_of_the_contract() -> None:
    changes = {"paid", "failed", "refunded", "canceled"}
    assert {status.value for status in OrderStatus} == changes | {"pending"}
    assert {event.value for event in OrderEventType} == changes | {"created"}
    assert set(TOLD_AS) == {OrderStatus.FAILED, OrderStatus.CANCELED}


# Refunds


@pytest.mark.parametrize("state", [s for s in RefundState if s != "succeeded"])
def test_a_refund_that_did_not_come_through_takes_nothing_off(
    state: RefundState,
) -> None:
    assert standing(state, 500) == 0


def test_a_refund_that_came_through_takes_all_of_it_off() -> None:
    assert standing(RefundState.SUCCEEDED, 500) == 500


@pytest.mark.parametrize("late", [RefundState.FAILED, RefundState.CANCELED])
def test_a_refund_that_failed_after_all_stays_failed(late: RefundState) -> None:
    assert (
        furthest(furthest(RefundState.SUCCEEDED, late), RefundState.SUCCEEDED) is late
    )


@given(st.permutations([*RefundState]), st.integers(1, 10**6))
def test_a_refunds_news_may_come_in_any_order(
    news: list[RefundState], amount: int
) -> None:
    known = RefundState.PENDING
    for state in news:
        known = furthest(known, state)
    assert standing(known, amount) == 0
