"""The rows of attempts: what late answers may change, and what not."""

from uuid import UUID, uuid4

import pytest

from storefront.errors import OrderUnknown
from storefront.orders import service
from storefront.orders.models import AttemptState
from storefront.orders.queries import find_order
from storefront.orders.status import furthest
from storefront.transaction import transaction
from tests.factories.events import pay_by_events
from tests.fixtures.shop import Shop


def keep(shop: Shop, order_id: str, position: int) -> str | None:
    """Keep a session for an attempt; give the session that the order then has."""
    attempt = shop.row("SELECT id FROM checkout_attempts WHERE position = %s", position)
    shop.rows("UPDATE checkout_attempts SET provider_session_id = NULL")
    with shop.app.app_context(), transaction():
        service.keep_session(UUID(order_id), UUID(attempt["id"]), "cs_late")
    row = shop.row("SELECT provider_session_id AS id FROM orders")
    found: str | None = row["id"]
    return found


def test_a_late_answer_is_the_orders_session_while_it_waits(shop: Shop) -> None:
    assert keep(shop, shop.place().id, 1) == "cs_late"


def test_a_late_answer_does_not_replace_the_session_that_paid(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)

    assert keep(shop, placed.id, 1) == placed.session_id


def test_a_late_answer_of_an_earlier_attempt_does_not_replace_a_later_one(
    shop: Shop,
) -> None:
    placed = shop.place()
    shop.rows("UPDATE checkout_attempts SET state = 'expired'")
    shop.rows(
        "INSERT INTO checkout_attempts (id, order_id, position, state, parameters,"
        " idempotency_key) VALUES (%s, %s, 2, 'prepared', '{}', 'second')",
        str(uuid4()),
        placed.id,
    )

    assert keep(shop, placed.id, 1) == placed.session_id


@pytest.mark.parametrize("state", list(AttemptState))
def test_a_late_answer_takes_nothing_back(shop: Shop, state: AttemptState) -> None:
    placed = shop.place()
    shop.rows("UPDATE checkout_attempts SET state = %s", state)

    keep(shop, placed.id, 1)

    known = shop.row("SELECT state FROM checkout_attempts")["state"]
    assert known == furthest(state, AttemptState.OPEN)


def test_ids_that_are_known_stay(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    with shop.app.app_context(), transaction():
        order = service.lock_order(UUID(placed.id))
        service.identify(order.attempts[0], "cs_other", "pi_other")

    row = shop.row("SELECT * FROM checkout_attempts")
    assert row["provider_session_id"] == placed.session_id
    assert row["provider_payment_intent_id"] == f"pi_{placed.id}"


def test_an_attempt_has_a_key_of_its_own_and_its_place(shop: Shop) -> None:
    placed = shop.place()

    row = shop.row("SELECT position, idempotency_key FROM checkout_attempts")
    assert row == {"position": 1, "idempotency_key": f"{placed.id}/1"}


def test_an_order_that_is_not_there_cannot_be_locked(shop: Shop) -> None:
    with shop.app.app_context(), pytest.raises(OrderUnknown), transaction():
        service.lock_order(uuid4())


def test_attempts_and_events_come_in_the_order_in_which_they_were_made(
    shop: Shop,
) -> None:
    placed = shop.place()
    shop.rows("UPDATE checkout_attempts SET state = 'expired'")
    for position in (3, 2):
        shop.rows(
            "INSERT INTO checkout_attempts (id, order_id, position, state, parameters,"
            " idempotency_key) VALUES (%s, %s, %s, 'expired', '{}', %s)",
            str(uuid4()),
            placed.id,
            position,
            f"key {position}",
        )
    pay_by_events(shop, placed)

    with shop.app.app_context():
        order = find_order(UUID(placed.id))
        assert order is not None
        assert [attempt.position for attempt in order.attempts] == [1, 2, 3]
        kinds = [event.event_type.value for event in order.events]
        assert kinds == ["created", "paid"]
        assert order.events[0].order is order.attempts[0].order is order
