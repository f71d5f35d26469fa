"""The button that pays an order, where Stripe or an earlier answer is of no use."""

import re
from typing import Any

import pytest
import requests

from tests.factories.events import problem_of
from tests.fixtures.shop import Shop

ONE_SESSION = {"method": "GET", "path": "/v1/checkout/sessions/*"}
CREATE = {"method": "POST", "path": "/v1/checkout/sessions"}


def press(shop: Shop, token: str) -> requests.Response:
    """Press the button that leads to the payment page."""
    form = shop.get("/checkout?service_id=three-readings").text
    found = re.search(r'name="csrf_token" value="([^"]*)"', form)
    assert found
    return shop.post(f"/orders/{token}/pay", data={"csrf_token": found[1]})


def unanswered(shop: Shop, **trouble: Any) -> str:
    """Place an order whose payment page could not be made; give its token."""
    if trouble:
        shop.emulator.fail(**CREATE, **trouble)
    else:
        shop.emulator.reset_connections(**CREATE)
    assert shop.checkout(key="key-1").status_code == 503
    shop.emulator.set_faults()
    token: str = shop.row("SELECT page_token FROM orders")["page_token"]
    return token


def outdate(shop: Shop, minutes: int = -1) -> None:
    """Move the end that Stripe is to be asked for, from now on."""
    shop.rows(
        "UPDATE checkout_attempts SET parameters = jsonb_set(parameters,"
        " '{expires_at}', to_jsonb(extract(epoch FROM now())::int + %s))",
        60 * minutes,
    )


def open_sessions(shop: Shop) -> list[dict[str, Any]]:
    every = shop.emulator.ledger("sessions")["sessions"]
    return [session for session in every if session["status"] == "open"]


def leads_to_the_one_open_page(shop: Shop, answer: requests.Response) -> None:
    assert answer.status_code == 303, answer.text
    (session,) = open_sessions(shop)
    assert answer.headers["Location"] == session["url"]


@pytest.mark.parametrize("status", [500, 400])
def test_an_open_page_that_stripe_cannot_show_is_offered_later(
    shop: Shop, status: int
) -> None:
    placed = shop.place()
    shop.emulator.fail(status, **ONE_SESSION)

    answer = press(shop, placed.token)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    shop.emulator.set_faults()
    leads_to_the_one_open_page(shop, press(shop, placed.token))


@pytest.mark.parametrize(
    "members",
    [{"url": "https://evil.example/"}, {"amount_total": 1}, {"currency": "usd"}],
)
def test_an_open_page_that_asks_for_something_else_is_shown_to_nobody(
    shop: Shop, members: dict[str, Any]
) -> None:
    placed = shop.place()
    shop.emulator.talk_nonsense(members, **ONE_SESSION)

    assert press(shop, placed.token).status_code == 503

    assert shop.order(placed.id)["status"] == "pending"


def test_an_attempt_too_old_to_be_made_gives_way_to_another(shop: Shop) -> None:
    """Stripe was never asked, and refuses a page that ends in less than 30 minutes."""
    token = unanswered(shop)
    outdate(shop, minutes=29)

    leads_to_the_one_open_page(shop, press(shop, token))

    states = shop.rows("SELECT state FROM checkout_attempts ORDER BY position")
    assert [row["state"] for row in states] == ["expired", "open"]


def test_an_attempt_that_still_has_time_is_made_under_its_key(shop: Shop) -> None:
    token = unanswered(shop)
    outdate(shop, minutes=31)

    leads_to_the_one_open_page(shop, press(shop, token))

    assert shop.row("SELECT state FROM checkout_attempts") == {"state": "open"}


def test_an_outdated_attempt_waits_while_stripe_is_away(shop: Shop) -> None:
    token = unanswered(shop)
    outdate(shop)
    shop.emulator.fail(503)

    assert press(shop, token).status_code == 503

    assert shop.row("SELECT state FROM checkout_attempts") == {"state": "prepared"}


def test_a_lost_session_of_a_spoiled_attempt_is_found_and_closed(shop: Shop) -> None:
    """Row 22: two open pages of one order could both be paid."""
    token = unanswered(shop, status=500, when="after")
    assert len(open_sessions(shop)) == 1
    shop.let_deadline_pass(shop.row("SELECT id FROM orders")["id"])

    shop.run_job("expire-orders")

    assert open_sessions(shop) == []
    assert shop.row("SELECT status FROM orders") == {"status": "canceled"}
    leads_to_the_one_open_page(shop, press(shop, token))


def test_a_spoiled_attempt_without_a_session_is_closed_without_a_word(
    shop: Shop,
) -> None:
    unanswered(shop, status=500, kept=True)
    assert shop.row("SELECT is_spoiled FROM checkout_attempts") == {"is_spoiled": True}
    order_id = shop.row("SELECT id FROM orders")["id"]
    shop.let_deadline_pass(order_id)

    assert shop.run_job("expire-orders") == 1

    assert shop.order(order_id)["status"] == "canceled"
    assert shop.rows("SELECT * FROM matters") == []


def test_closing_by_a_key_that_keeps_failing_spoils_it_and_ends_another_way(
    shop: Shop,
) -> None:
    """Row 24: the same failure for a day must not keep the order open for a day."""
    unanswered(shop)
    order_id = shop.row("SELECT id FROM orders")["id"]
    shop.let_deadline_pass(order_id)
    shop.emulator.fail(500, kept=True, **CREATE)
    assert shop.run_job("expire-orders") == 0
    assert shop.row("SELECT is_spoiled FROM checkout_attempts") == {"is_spoiled": True}

    shop.emulator.set_faults()
    assert shop.run_job("expire-orders") == 1

    assert shop.order(order_id)["status"] == "canceled"


def test_a_spoiled_key_is_tried_again_while_sessions_cannot_be_listed(
    shop: Shop,
) -> None:
    token = unanswered(shop, status=500, kept=True)
    shop.emulator.fail(503, method="GET", path="/v1/checkout/sessions*")

    assert press(shop, token).status_code == 503

    shop.emulator.set_faults()
    leads_to_the_one_open_page(shop, press(shop, token))
    assert shop.history(shop.row("SELECT id FROM orders")["id"]) == ["created"]


def test_a_key_whose_order_was_paid_meanwhile_leads_to_the_order(shop: Shop) -> None:
    token = unanswered(shop)
    press(shop, token)
    (session,) = open_sessions(shop)
    shop.emulator.pay(session["id"])
    shop.emulator.wait()

    answer = shop.checkout(key="key-1")

    assert answer.status_code == 201
    told = answer.json()
    assert told["status"] == "paid"
    assert told["checkout_url"] == told["order_url"]


def test_a_key_under_work_is_told_to_come_again(shop: Shop) -> None:
    shop.checkout(key="key-1")
    shop.rows(
        "UPDATE checkout_requests SET answer = NULL,"
        " claimed_until = now() + interval '9 seconds'"
    )

    answer = shop.checkout(key="key-1")

    problem_of(answer, 409)
    assert answer.headers["Retry-After"] == "2"


def test_a_key_whose_worker_died_is_taken_over(shop: Shop) -> None:
    first = shop.checkout(key="key-1").json()
    shop.rows(
        "UPDATE checkout_requests SET answer = NULL,"
        " claimed_until = now() - interval '1 second'"
    )

    answer = shop.checkout(key="key-1")

    assert answer.status_code == 201
    assert answer.json()["order_id"] == first["order_id"]
