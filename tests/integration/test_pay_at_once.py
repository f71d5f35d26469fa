"""A payment settled in one round trip: the same rows, and only where it is plain."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy.exc import DataError

from storefront.checkout import ask_stripe
from storefront.checkout.door import gateway
from storefront.checkout.pay_at_once import pay_at_once
from storefront.gateway.port import SessionOutcome, SessionSeen
from storefront.webhooks import handlers
from tests.factories.events import complete_session, deliver, event
from tests.factories.rows import rows_by_settling, rows_now, without_moments
from tests.fixtures.shop import OpenShop, Placed, Shop

Deed = Callable[[Shop, Placed, SessionSeen], SessionSeen]
DONE = "checkout.session.completed"
JUST_PAID = (
    "SELECT FROM orders WHERE provider_session_id = %(session)s AND paid_at = now()"
)
ADDRESS = {"name": "Ana Lima", "line1": "Rua 1", "country": "PT"}


@pytest.fixture
def deaf(shop: Shop) -> Iterator[Shop]:
    """Give a shop that no webhook reaches, for use cases to be called in."""
    shop.emulator.drop_webhooks()
    with shop.app.app_context():
        yield shop


def paid(shop: Shop, placed: Placed) -> SessionSeen:
    shop.emulator.pay(placed.session_id)
    return gateway().get_session(placed.session_id)


def at_once(session: SessionSeen) -> bool:
    return pay_at_once(session, "webhook", JUST_PAID)


@pytest.mark.parametrize("shipping", [None, ADDRESS])
def test_both_ways_leave_the_same_rows(
    deaf: Shop, shipping: dict[str, str] | None
) -> None:
    placed = deaf.place()
    session = replace(paid(deaf, placed), shipping=shipping)
    before = rows_now()
    one_by_one = rows_by_settling(placed.id, session, "webhook")
    assert without_moments(rows_now()) == without_moments(before)

    assert at_once(session)

    now = rows_now()
    assert without_moments(now) == without_moments(one_by_one)
    assert now["orders"][0]["shipping_address"] == shipping
    for rows in (now, one_by_one):
        order, told = rows["orders"][0], rows["order_events"][-1]
        assert order["updated_at"] > before["orders"][0]["updated_at"]
        assert order["paid_at"] == order["updated_at"]
        assert told["id"].version == 7
        assert told["created_at"] >= order["paid_at"]
        assert {one["kind"] for one in rows["letters"]} == {"receipt", "new_order"}


def test_without_an_owner_only_the_customer_is_written_to(open_shop: OpenShop) -> None:
    shop = open_shop(OWNER_EMAIL="")
    shop.emulator.drop_webhooks()
    placed = shop.place()
    with shop.app.app_context():
        assert at_once(paid(shop, placed))

    assert [one["kind"] for one in shop.rows("SELECT kind FROM letters")] == ["receipt"]


def test_what_is_paid_already_is_left_alone(deaf: Shop) -> None:
    session = paid(deaf, deaf.place())
    at_once(session)
    before = rows_now()

    assert not at_once(session)

    assert rows_now() == before


def test_a_delivered_payment_goes_this_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = shop.place()
    monkeypatch.delattr(handlers, "settle_order")

    deliver(shop, event(DONE, complete_session(shop, placed))).raise_for_status()

    assert shop.history(placed.id) == ["created", "paid"]


def test_a_payment_that_a_page_asked_about_goes_this_way(
    deaf: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = deaf.place()
    deaf.emulator.pay(placed.session_id)
    deaf.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 minute'")
    monkeypatch.delattr(ask_stripe, "settle_order")

    assert deaf.get(f"/orders/{placed.token}").status_code == 200

    assert deaf.history(placed.id) == ["created", "paid"]


def test_what_cannot_be_noted_is_not_paid_either(deaf: Shop) -> None:
    placed = deaf.place()
    session = paid(deaf, placed)
    before = rows_now()

    with pytest.raises(DataError):
        pay_at_once(session, "webhook", "SELECT %(what)s::jsonb", what='"\\u0000"')

    assert rows_now() == before


def ask_for_another_amount(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, amount=seen.amount - 1)


def pay_in_another_currency(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, currency="USD")


def mean_another_order(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, client_reference_id=str(uuid4()))


def be_of_the_other_mode(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, livemode=True)


def be_at_the_bank(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, outcome=SessionOutcome.PROCESSING)


def cost_nothing(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, payment_intent_id=None)


def bear_what_cannot_be_stored(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, client_reference_id="\0")


def be_a_session_of_nobody(_: Shop, __: Placed, seen: SessionSeen) -> SessionSeen:
    return replace(seen, id="cs_of_nobody")


def be_given_up(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET state = 'expired'")
    shop.rows("UPDATE orders SET status = 'canceled'")
    return seen


def be_tried_twice(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET position = 2")
    return seen


def have_another_payment(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    shop.rows("UPDATE checkout_attempts SET provider_payment_intent_id = 'pi_other'")
    return seen


def be_refunded_already(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    shop.rows(
        "INSERT INTO refunds (provider_refund_id, provider_payment_intent_id, state,"
        " amount, currency) VALUES ('re_1', %s, 'succeeded', 500, 'EUR')",
        seen.payment_intent_id,
    )
    return seen


def be_disputed_already(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    shop.rows(
        "INSERT INTO disputes (provider_dispute_id, provider_payment_intent_id, state,"
        " amount, currency, reason)"
        " VALUES ('dp_1', %s, 'needs_response', 8000, 'EUR', 'fraudulent')",
        seen.payment_intent_id,
    )
    return seen


def have_paid_for_another(shop: Shop, _: Placed, seen: SessionSeen) -> SessionSeen:
    other = shop.place()
    shop.rows(
        "UPDATE checkout_attempts SET provider_payment_intent_id = %s"
        " WHERE order_id = %s",
        seen.payment_intent_id,
        other.id,
    )
    return seen


NOT_PLAIN: list[Deed] = [
    ask_for_another_amount,
    pay_in_another_currency,
    mean_another_order,
    be_of_the_other_mode,
    be_at_the_bank,
    cost_nothing,
    bear_what_cannot_be_stored,
    be_a_session_of_nobody,
    be_given_up,
    be_tried_twice,
    have_another_payment,
    be_refunded_already,
    be_disputed_already,
    have_paid_for_another,
]


@pytest.mark.parametrize("deed", NOT_PLAIN, ids=lambda deed: deed.__name__)
def test_what_is_not_plain_is_left_to_the_ordinary_way(deaf: Shop, deed: Deed) -> None:
    placed = deaf.place()
    session = deed(deaf, placed, paid(deaf, placed))
    before = rows_now()

    assert not at_once(session)

    assert rows_now() == before
