"""Canceling many at a time: the same rows as one by one, and only what is plain."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from storefront.checkout.cancel_unpaid import cancel_unpaid
from storefront.checkout.door import gateway
from storefront.gateway.port import SessionOutcome, SessionSeen
from tests.factories.rows import rows_by_settling, rows_now, without_moments
from tests.fixtures.postgres_server import held
from tests.fixtures.shop import Placed, Shop


@pytest.fixture
def deaf(shop: Shop) -> Iterator[Shop]:
    """Give a shop that no webhook reaches, for use cases to be called in."""
    shop.emulator.drop_webhooks()
    with shop.app.app_context():
        yield shop


@pytest.fixture
def placed(deaf: Shop) -> Placed:
    """Give an order whose time is over."""
    placed = deaf.place()
    deaf.let_deadline_pass(placed.id)
    return placed


def expired(placed: Placed) -> SessionSeen:
    return gateway().expire_session(placed.session_id)


@pytest.mark.parametrize("state", ["open", "prepared"])
def test_both_ways_leave_the_same_rows(deaf: Shop, placed: Placed, state: str) -> None:
    deaf.rows("UPDATE checkout_attempts SET state = %s", state)
    session = expired(placed)
    before = rows_now()
    one_by_one = rows_by_settling(placed.id, session, "expiry")
    assert without_moments(rows_now()) == without_moments(before)

    assert cancel_unpaid([session], "expiry") == {session.id}

    at_once = rows_now()
    assert without_moments(at_once) == without_moments(one_by_one)
    assert at_once["checkout_attempts"] == one_by_one["checkout_attempts"]
    for rows in (at_once, one_by_one):
        event = rows["order_events"][-1]
        assert rows["orders"][0]["status"] == "canceled"
        assert rows["orders"][0]["updated_at"] > before["orders"][0]["updated_at"]
        assert event["id"].version == 7
        assert event["created_at"] >= rows["orders"][0]["updated_at"]
    assert deaf.history(placed.id) == ["created", "canceled"]


def test_many_are_canceled_together_and_each_is_told_once(deaf: Shop) -> None:
    orders = [deaf.place() for _ in range(5)]
    sessions = [expired(one) for one in orders]
    left = deaf.place()

    assert len(cancel_unpaid(sessions, "expiry")) == len(orders)

    assert all(deaf.history(one.id) == ["created", "canceled"] for one in orders)
    assert deaf.order(left.id)["status"] == "pending"


def test_what_is_given_up_already_is_left_and_counts_as_settled(
    deaf: Shop, placed: Placed
) -> None:
    session = expired(placed)
    cancel_unpaid([session], "expiry")
    before = rows_now()

    assert cancel_unpaid([session], "expiry") == {session.id}

    assert rows_now() == before


def pay(shop: Shop, placed: Placed) -> SessionSeen:
    shop.emulator.pay(placed.session_id)
    return expired(placed)


def wait_for_a_bank(shop: Shop, placed: Placed) -> SessionSeen:
    shop.emulator.pay(placed.session_id, "delayed")
    return expired(placed)


def be_declined(shop: Shop, placed: Placed) -> SessionSeen:
    shop.emulator.pay(placed.session_id, "declined")
    session = expired(placed)
    assert session.outcome is SessionOutcome.EXPIRED
    return session


def give_an_address(_shop: Shop, placed: Placed) -> SessionSeen:
    return replace(expired(placed), shipping={"name": "Ana Lima"})


def know_a_payment(shop: Shop, placed: Placed) -> SessionSeen:
    """Then a refund or a dispute of it may be known too."""
    shop.rows("UPDATE checkout_attempts SET provider_payment_intent_id = 'pi_known'")
    shop.rows(
        "INSERT INTO refunds (provider_refund_id, provider_payment_intent_id, state,"
        " amount, currency) VALUES ('re_1', 'pi_known', 'failed', 8000, 'EUR')"
    )
    shop.rows(
        "INSERT INTO disputes (provider_dispute_id, provider_payment_intent_id, state,"
        " amount, currency, reason)"
        " VALUES ('dp_1', 'pi_known', 'needs_response', 8000, 'EUR', 'fraudulent')"
    )
    return expired(placed)


def try_before(shop: Shop, placed: Placed) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET position = 2")
    shop.rows(
        "INSERT INTO checkout_attempts (id, order_id, position, state, parameters,"
        " idempotency_key) VALUES (%s, %s, 1, 'failed', '{}', 'before')",
        str(uuid4()),
        placed.id,
    )
    return expired(placed)


def pay_another_way(shop: Shop, placed: Placed) -> SessionSeen:
    try_before(shop, placed)
    shop.rows("UPDATE checkout_attempts SET state = 'paid' WHERE position = 1")
    shop.rows("UPDATE orders SET status = 'paid', paid_at = now()")
    return expired(placed)


def end_beside_a_payment(shop: Shop, placed: Placed) -> SessionSeen:
    session = pay_another_way(shop, placed)
    shop.rows("UPDATE checkout_attempts SET state = 'expired' WHERE position = 2")
    return session


def fail_before_it_was_given_up(shop: Shop, placed: Placed) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET state = 'failed'")
    shop.rows("UPDATE orders SET status = 'canceled'")
    return expired(placed)


def be_at_the_bank(shop: Shop, placed: Placed) -> SessionSeen:
    """News that overtook: the attempt has come further than the session tells."""
    shop.rows("UPDATE checkout_attempts SET state = 'processing'")
    return expired(placed)


def disagree(shop: Shop, placed: Placed) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET state = 'disagrees'")
    return expired(placed)


def have_another_session(shop: Shop, placed: Placed) -> SessionSeen:
    return replace(expired(placed), id="cs_of_nobody")


Deed = Callable[[Shop, Placed], SessionSeen]
NOT_PLAIN: list[Deed] = [
    pay,
    wait_for_a_bank,
    be_declined,
    give_an_address,
    know_a_payment,
    try_before,
    pay_another_way,
    end_beside_a_payment,
    fail_before_it_was_given_up,
    be_at_the_bank,
    disagree,
    have_another_session,
]


@pytest.mark.parametrize("deed", NOT_PLAIN, ids=lambda deed: deed.__name__)
def test_what_is_not_plain_is_left_to_the_ordinary_way(
    deaf: Shop, placed: Placed, deed: Deed
) -> None:
    session = deed(deaf, placed)
    before = rows_now()

    assert cancel_unpaid([session], "expiry") == set()

    assert rows_now() == before


ENDS = [
    (pay, "paid"),
    (wait_for_a_bank, "pending"),
    (be_declined, "canceled"),
    (know_a_payment, "canceled"),
    (try_before, "canceled"),
    (pay_another_way, "paid"),
]


@pytest.mark.parametrize(
    ("deed", "status"), ENDS, ids=[deed.__name__ for deed, _ in ENDS]
)
def test_the_ordinary_way_then_settles_it(
    deaf: Shop, placed: Placed, deed: Deed, status: str
) -> None:
    session = deed(deaf, placed)
    told = without_moments(rows_by_settling(placed.id, session, "expiry"))

    assert deaf.run_job("expire-orders") == 1

    now = without_moments(rows_now())
    assert now == told
    assert now["orders"][0]["status"] == status


def test_an_order_in_somebody_elses_hand_keeps_no_other_waiting(
    deaf: Shop, placed: Placed
) -> None:
    free = deaf.place()
    sessions = [expired(one) for one in (placed, free)]
    lock = "SELECT 1 FROM orders WHERE id = %s FOR UPDATE"

    with held(deaf.database_url, lock, placed.id):
        assert cancel_unpaid(sessions, "expiry") == {free.session_id}

    assert deaf.order(placed.id)["status"] == "pending"
    assert cancel_unpaid(sessions, "expiry") == {placed.session_id, free.session_id}
