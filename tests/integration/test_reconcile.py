"""Walking through Stripe's books: whatever nobody told of heals, or is listed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from sqlalchemy import event

from storefront.checkout import reconcile
from storefront.extensions import db
from storefront.gateway.errors import RequestRefused
from tests.demo.processes import wait_until
from tests.fixtures.shop import CUSTOMER, Placed, Shop


@pytest.fixture
def deaf(shop: Shop) -> Shop:
    """Give a shop that no webhook reaches."""
    shop.emulator.drop_webhooks()
    return shop


def paid_unheard(shop: Shop) -> Placed:
    placed = shop.place()
    shop.emulator.pay(placed.session_id)
    return placed


@pytest.mark.parametrize("job", ["reconcile", "reconcile-month"])
def test_a_payment_nobody_told_of_is_found(deaf: Shop, job: str) -> None:
    """Rows 11 and 12: found by its session, not by an event."""
    placed = paid_unheard(deaf)

    assert deaf.run_job(job) >= 1

    assert deaf.order(placed.id)["status"] == "paid"
    assert deaf.history(placed.id) == ["created", "paid"]


def test_walking_twice_changes_nothing(deaf: Shop) -> None:
    paid_unheard(deaf)
    deaf.run_job("reconcile-month")
    before = deaf.rows("SELECT * FROM orders"), deaf.rows("SELECT * FROM order_events")

    assert deaf.run_job("reconcile-month") == 0

    after = deaf.rows("SELECT * FROM orders"), deaf.rows("SELECT * FROM order_events")
    assert after == before


def test_a_refund_nobody_told_of_is_found(
    deaf: Shop, dashboard: stripe.StripeClient
) -> None:
    """Row 54: found by the refund itself."""
    placed = paid_unheard(deaf)
    intent = deaf.emulator.session(placed.session_id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 2000})

    deaf.run_job("reconcile-month")

    order = deaf.order(placed.id)
    assert (order["status"], order["amount_refunded"]) == ("paid", 2000)


def test_an_order_that_the_database_has_lost_is_written_down_again(deaf: Shop) -> None:
    """Row 59: after an old backup was restored, paid orders come back."""
    placed = paid_unheard(deaf)
    deaf.lose_orders()
    assert deaf.get(f"/api/orders/{placed.id}").status_code == 404

    deaf.run_job("reconcile-month")

    order = deaf.order(placed.id)
    assert order["status"] == "paid"
    assert order["number"] == placed.answer["number"]
    assert order["line_items"] == [
        {
            "service_id": "birth-chart-reading",
            "name": "Birth chart reading",
            "quantity": 1,
            "unit_amount": 8000,
        }
    ]
    row = deaf.row("SELECT customer_email, page_token FROM orders")
    assert row == {"customer_email": CUSTOMER["email"], "page_token": placed.token}
    matter = deaf.row("SELECT reason, figures FROM matters")
    assert matter["reason"] == "order written down again"
    assert matter["figures"]["paid"] == {"amount": 8000, "currency": "EUR"}


def test_a_lost_order_of_a_product_we_no_longer_know_is_listed(deaf: Shop) -> None:
    paid_unheard(deaf)
    deaf.lose_orders()
    deaf.rows("DELETE FROM products WHERE pack_of IS NOT NULL")
    deaf.rows("DELETE FROM products WHERE id = 'birth-chart-reading'")

    assert deaf.run_job("reconcile-month") == 0

    assert deaf.rows("SELECT * FROM orders") == []
    matter = deaf.row("SELECT reason, figures FROM matters")
    assert matter["reason"] == "paid order is lost"
    assert matter["figures"]["paid"] == {"amount": 8000, "currency": "EUR"}
    assert matter["figures"]["customer"]["email"] == CUSTOMER["email"]


def test_a_lost_order_that_nobody_paid_stays_lost(deaf: Shop) -> None:
    deaf.place()
    deaf.lose_orders()

    assert deaf.run_job("reconcile-month") == 0

    assert deaf.rows("SELECT * FROM orders") == []
    assert deaf.rows("SELECT * FROM matters") == []


def test_a_walk_that_was_broken_off_goes_on_where_it_was(deaf: Shop) -> None:
    placed = paid_unheard(deaf)
    deaf.emulator.fail(503, path="/v1/charges*")
    deaf.run_job("reconcile-month")
    broken = deaf.row("SELECT step, finished_at FROM reconciliations")
    assert broken == {"step": 1, "finished_at": None}
    assert deaf.order(placed.id)["status"] == "paid"

    deaf.emulator.drop_webhooks()
    deaf.run_job("reconcile-month")

    assert deaf.row("SELECT step, finished_at FROM reconciliations")["finished_at"]


def test_a_walk_whose_place_stripe_does_not_know_begins_anew(deaf: Shop) -> None:
    """As where the key has changed meanwhile, from test to live."""
    placed = paid_unheard(deaf)
    deaf.rows(
        "INSERT INTO reconciliations (name, since, until, after) VALUES"
        " ('month', now() - interval '1 day', now() + interval '1 day', 'cs_gone')"
    )
    with pytest.raises(RequestRefused):
        deaf.run_job("reconcile-month")

    assert deaf.run_job("reconcile-month") == 1

    assert deaf.order(placed.id)["status"] == "paid"
    assert deaf.row("SELECT finished_at FROM reconciliations")["finished_at"]


def test_a_walk_that_another_took_further_meanwhile_is_left_there(deaf: Shop) -> None:
    """Row 33: whoever was held up so long that his lease ended moves nothing back."""
    placed = paid_unheard(deaf)
    deaf.emulator.be_slow(700, path="/v1/checkout/sessions*")
    turns = iter((True, False))

    def walk() -> int:
        with deaf.app.app_context():
            return reconcile.reconcile_window("month", reconcile.MONTH, turns.__next__)

    with ThreadPoolExecutor(1) as pool:
        held_up = pool.submit(walk)
        wait_until(lambda: bool(deaf.rows("SELECT name FROM reconciliations")))
        deaf.rows("UPDATE reconciliations SET step = 2, after = 're_of_another'")
        held_up.result()

    assert deaf.order(placed.id)["status"] == "paid"
    walk_now = deaf.row("SELECT step, after FROM reconciliations")
    assert walk_now == {"step": 2, "after": "re_of_another"}


def test_a_strangers_payment_on_the_same_account_is_left_alone(
    deaf: Shop, dashboard: stripe.StripeClient
) -> None:
    made = dashboard.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://other.example/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 999,
                        "product_data": {"name": "Something else"},
                    },
                }
            ],
        }
    )
    deaf.emulator.pay(made.id)
    intent = deaf.emulator.session(made.id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 1})
    deaf.emulator.dispute(deaf.emulator.charge_of(made.id)["id"])

    assert deaf.run_job("reconcile-month") == 0

    assert deaf.rows("SELECT * FROM orders") == []
    assert deaf.rows("SELECT * FROM matters") == []


def test_a_payment_that_failed_at_the_bank_is_found(deaf: Shop) -> None:
    placed = deaf.place()
    deaf.emulator.pay(placed.session_id, "delayed_fails")

    deaf.run_job("reconcile-month")

    assert deaf.order(placed.id)["status"] == "failed"


def test_a_payment_whose_session_is_not_listed_is_found_by_its_charge(
    deaf: Shop,
) -> None:
    placed = paid_unheard(deaf)
    nothing = {"data": [], "has_more": False}
    deaf.emulator.set_faults(
        {"where": "webhooks", "do": "drop"},
        {
            "where": "api",
            "do": "rewrite",
            "members": nothing,
            "path": "/v1/checkout/sessions",
        },
    )

    assert deaf.run_job("reconcile-month") == 1

    assert deaf.order(placed.id)["status"] == "paid"
    assert deaf.run_job("reconcile-month") == 0


def test_a_refund_that_moved_unheard_is_followed(
    deaf: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid_unheard(deaf)
    intent = deaf.emulator.session(placed.session_id)["payment_intent"]
    made = dashboard.v1.refunds.create({"payment_intent": intent, "amount": 2000})
    deaf.run_job("reconcile-month")
    deaf.emulator.turn_refund(made.id, "failed")

    assert deaf.run_job("reconcile-month") == 1
    assert deaf.order(placed.id)["amount_refunded"] == 0
    assert deaf.run_job("reconcile-month") == 0


def test_a_refund_that_is_known_but_not_counted_is_counted(
    deaf: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid_unheard(deaf)
    intent = deaf.emulator.session(placed.session_id)["payment_intent"]
    dashboard.v1.refunds.create({"payment_intent": intent, "amount": 2000})
    deaf.run_job("reconcile-month")
    deaf.rows("UPDATE refunds SET counted_amount = 0")
    deaf.rows("UPDATE orders SET amount_refunded = 0")

    assert deaf.run_job("reconcile-month") == 1
    assert deaf.order(placed.id)["amount_refunded"] == 2000


@pytest.mark.parametrize(
    ("job", "name", "hours"),
    [("reconcile", "recent", 3), ("reconcile-month", "month", 840)],
)
def test_a_walk_goes_back_so_far_and_a_minute_ahead(
    shop: Shop, job: str, name: str, hours: int
) -> None:
    shop.run_job(job)

    walk = shop.row(
        "SELECT name, step, after, repaired, extract(epoch FROM until - since)::int"
        " AS seconds, finished_at - until + interval '1 minute' AS lasted"
        " FROM reconciliations"
    )
    lasted = walk.pop("lasted").total_seconds()
    assert walk == {
        "name": name,
        "step": 4,
        "after": None,
        "repaired": 0,
        "seconds": 3600 * hours + 60,
    }
    assert 0 <= lasted < 30


def test_the_next_walk_begins_anew(deaf: Shop) -> None:
    paid_unheard(deaf)
    deaf.run_job("reconcile-month")
    first = deaf.row("SELECT since, repaired FROM reconciliations")

    deaf.run_job("reconcile-month")

    second = deaf.row("SELECT since, repaired, finished_at FROM reconciliations")
    assert (first["repaired"], second["repaired"]) == (1, 0)
    assert second["since"] > first["since"]
    assert second["finished_at"] > first["since"]


def test_every_page_of_a_listing_is_walked(
    deaf: Shop, dashboard: stripe.StripeClient
) -> None:
    placed = paid_unheard(deaf)
    intent = deaf.emulator.session(placed.session_id)["payment_intent"]
    for _ in range(101):
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": 1})

    assert deaf.run_job("reconcile-month") == 102

    assert deaf.order(placed.id)["amount_refunded"] == 101


def test_a_session_that_disagrees_is_told_once_and_left(deaf: Shop) -> None:
    paid_unheard(deaf)
    deaf.rows("UPDATE orders SET total_amount = 9000")

    assert deaf.run_job("reconcile-month") >= 1
    assert deaf.run_job("reconcile-month") == 1

    # Its payment is looked at again each time, and tells nothing new.
    assert deaf.row("SELECT count(*) AS n FROM matters")["n"] >= 1
    assert deaf.row("SELECT status FROM orders") == {"status": "pending"}


def statements_of_a_walk(shop: Shop) -> list[str]:
    """Walk through the month; give what the database is asked about orders."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert shop.run_job("reconcile-month") == 0
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return [one for one in asked if "checkout_attempts" in one or "disputes" in one]


def test_what_agrees_costs_one_question_a_page(
    deaf: Shop, dashboard: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "PAUSE_SECONDS", 0)
    for _ in range(3):
        placed = paid_unheard(deaf)
        intent = deaf.emulator.session(placed.session_id)["payment_intent"]
        dashboard.v1.refunds.create({"payment_intent": intent, "amount": 2000})
        deaf.emulator.dispute(deaf.emulator.charge_of(placed.session_id)["id"])
    deaf.place()
    deaf.run_job("reconcile-month")

    asked = statements_of_a_walk(deaf)

    assert len(asked) == len(reconcile.STEPS)
    assert all(one.startswith("SELECT") for one in asked)


def test_one_that_differs_among_many_is_the_only_one_mended(
    deaf: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "PAUSE_SECONDS", 0)
    orders = [paid_unheard(deaf) for _ in range(3)]
    deaf.run_job("reconcile-month")
    late = deaf.place()
    deaf.emulator.pay(late.session_id)

    assert deaf.run_job("reconcile-month") == 1

    assert deaf.order(late.id)["status"] == "paid"
    assert all(deaf.history(one.id) == ["created", "paid"] for one in orders)


def test_one_that_differs_is_mended_also_behind_those_that_agree(deaf: Shop) -> None:
    first = deaf.place()
    for _ in range(2):
        paid_unheard(deaf)
    deaf.run_job("reconcile-month")
    # No charge tells of it too.
    deaf.emulator.pay(first.session_id, "delayed_fails")

    assert deaf.run_job("reconcile-month") == 1

    assert deaf.order(first.id)["status"] == "failed"
