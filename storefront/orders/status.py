"""From facts to status: pure functions, so that no order of arrival can matter."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from storefront.orders.models import AttemptState, OrderStatus, RefundState

State = TypeVar("State", bound=StrEnum)

# Nothing more is to be done about paying while one attempt stands like this.
UNDER_WAY = frozenset(
    {
        AttemptState.PREPARED,
        AttemptState.OPEN,
        AttemptState.PROCESSING,
        AttemptState.DISAGREES,
    }
)
# What Stripe can still tell news of.
UNFINISHED = UNDER_WAY - {AttemptState.DISAGREES}


def furthest(known: State, seen: State) -> State:
    """Give the further of two states of one thing: facts advance, never go back."""
    ranks = list(type(known))
    return max(known, seen, key=ranks.index)


def settling(states: Sequence[AttemptState]) -> int | None:
    """Tell which attempt settles the order: the first one that is paid.

    :param states: of all attempts, by position.
    """
    return next(
        (i for i, state in enumerate(states) if state is AttemptState.PAID), None
    )


def is_processing(states: Sequence[AttemptState]) -> bool:
    """Tell whether a bank is at work on the payment, which takes days.

    :param states: of all attempts, by position; there is always one.
    """
    return settling(states) is None and states[-1] is AttemptState.PROCESSING


def derive_status(
    states: Sequence[AttemptState], total_amount: int, amount_refunded: int
) -> OrderStatus:
    """Give the status that the facts call for.

    :param states: of all attempts, by position; there is always one.
    :param amount_refunded: minor units, of the payment that settles the order.
    """
    if settling(states) is not None:
        wholly = amount_refunded >= total_amount
        return OrderStatus.REFUNDED if wholly else OrderStatus.PAID
    if UNDER_WAY.intersection(states):
        return OrderStatus.PENDING
    if states[-1] is AttemptState.FAILED:
        return OrderStatus.FAILED
    return OrderStatus.CANCELED


def standing(state: RefundState, amount: int) -> int:
    """Give what a refund takes off the payment: all of it, once it has succeeded."""
    return amount if state is RefundState.SUCCEEDED else 0
