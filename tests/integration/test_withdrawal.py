"""Withdrawing on the order's page: two presses, kept once, confirmed, told, unpaid."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from uuid import UUID

import pytest
import requests

from storefront.checkout.withdraw import withdraw
from storefront.demo.mailbox import Letter
from storefront.fulfilment.withdrawals import Statement
from tests.factories.events import pay_by_events, refund_of, tell
from tests.fixtures.shop import CUSTOMER, Placed, Shop
from tests.integration.test_checkout_form import Form, alarms, fields

READING, PRINTED = "birth-chart-reading", "almanac-2027-printed"
LABEL = "Withdraw from contract here"


def paid(shop: Shop, product: str = READING) -> Placed:
    placed = shop.place(product)
    pay_by_events(shop, placed)
    return placed


def at(placed: Placed, rest: str = "") -> str:
    return f"/orders/{placed.token}/withdrawal{rest}"


def page(shop: Shop, placed: Placed) -> str:
    answer = shop.get(f"/orders/{placed.token}")
    assert answer.status_code == 200
    return unescape(answer.text)


def reviewed(shop: Shop, placed: Placed, **typed: str) -> requests.Response:
    """Open the form, type, and go on to what would be sent."""
    form = fields(shop.get(at(placed)).text)
    return shop.post(at(placed), data={**form, **typed})


def confirmable(shop: Shop, placed: Placed, **typed: str) -> Form:
    answer = reviewed(shop, placed, **typed)
    assert answer.status_code == 200, answer.text
    return fields(answer.text)


def withdrawn(shop: Shop, placed: Placed, **typed: str) -> requests.Response:
    """Press both buttons; give the page that follows."""
    form = confirmable(shop, placed, **typed)
    answer = shop.post(at(placed, "/confirm"), data=form)
    assert answer.status_code == 303
    assert answer.headers["Location"] == at(placed)
    return shop.get(at(placed))


def letters(shop: Shop, subject: str) -> list[Letter]:
    """Send what is to be sent; give what bears this in its subject."""
    # A matter's letter is written by one run, and sent by the next.
    for _ in ("written", "sent"):
        shop.run_job("send-mail")
    return [one for one in shop.mailbox.letters if subject in one.subject]


def let_days_pass(shop: Shop, days: int) -> None:
    shop.rows("UPDATE orders SET paid_at = paid_at - make_interval(days => %s)", days)


def sums(shop: Shop, placed: Placed) -> tuple[dict[str, Any], list[str]]:
    """Give what a statement may not move: the order, and its history."""
    order = shop.row("SELECT * FROM orders WHERE id = %s", placed.id)
    return order, shop.history(placed.id)


# What a customer does


def test_a_statement_is_made_looked_at_and_sent(shop: Shop) -> None:
    placed = paid(shop)
    assert LABEL in page(shop, placed)
    assert at(placed) in page(shop, placed)

    form = fields(shop.get(at(placed)).text)
    assert form["name"] == CUSTOMER["name"]
    assert form["email"] == CUSTOMER["email"]

    statement = reviewed(shop, placed, reason="It is for somebody else.")
    assert "Confirm withdrawal" in statement.text
    for told in (placed.answer["number"], "Birth chart reading", *CUSTOMER.values()):
        assert told in statement.text
    assert "It is for somebody else." in statement.text
    assert shop.rows("SELECT * FROM withdrawals") == []

    done = withdrawn(shop, placed, reason="It is for somebody else.")
    assert "You have withdrawn" in done.text
    kept = shop.row("SELECT *, now() - stated_at AS age FROM withdrawals")
    assert kept["order_id"] == placed.id
    assert kept["name"] == CUSTOMER["name"]
    assert kept["email"] == CUSTOMER["email"]
    assert kept["reason"] == "It is for somebody else."
    assert [line["name"] for line in kept["line_items"]] == ["Birth chart reading"]
    assert kept["age"].total_seconds() < 60


def test_the_orders_page_shows_it_and_offers_it_no_more(shop: Shop) -> None:
    placed = paid(shop)
    assert "What happens next" in page(shop, placed)

    withdrawn(shop, placed)

    html = page(shop, placed)
    assert "What happens next" not in html
    assert "You have withdrawn" in html
    assert "You sent your statement on" in html
    assert at(placed) in html
    assert LABEL not in html


def test_no_money_moves_and_no_history_is_written(shop: Shop) -> None:
    placed = paid(shop)
    before = sums(shop, placed)

    withdrawn(shop, placed)

    assert sums(shop, placed) == before
    assert shop.order(placed.id)["status"] == "paid"
    assert shop.rows("SELECT * FROM refunds") == []


def test_a_letter_confirms_it_with_its_content_date_and_time(shop: Shop) -> None:
    placed = paid(shop)
    withdrawn(shop, placed, name="Ana de Lima", reason="Because.")
    stated_at = shop.row("SELECT stated_at FROM withdrawals")["stated_at"]

    (letter,) = letters(shop, "We have your withdrawal")

    assert letter.recipients == [CUSTOMER["email"]]
    assert placed.answer["number"] in letter.subject
    for half in (letter.text or "", unescape(letter.html or "")):
        for told in ("Birth chart reading", "Ana de Lima", "Because.", "€80.00"):
            assert told in half
        assert f"{stated_at:%-d %B %Y, %H:%M} (UTC)" in half
        assert "What happens next".upper() in half.upper()
    assert "Sent on:" in (letter.text or "")


def test_a_copy_of_the_receipt_promises_nothing_any_more(shop: Shop) -> None:
    placed = paid(shop)
    (first,) = letters(shop, "Receipt")
    assert "WHAT HAPPENS NEXT" in (first.text or "").upper()
    withdrawn(shop, placed)
    form = fields(shop.get(f"/orders/{placed.token}").text)
    shop.post(f"/orders/{placed.token}/receipt", data=form)

    _, copy = letters(shop, "Receipt")
    for half in (copy.text or "", copy.html or ""):
        assert "WHAT HAPPENS NEXT" not in half.upper()


def test_where_the_confirmation_goes_is_the_customers_choice(shop: Shop) -> None:
    placed = paid(shop)

    done = withdrawn(shop, placed, email="new@example.org")

    assert "new@example.org" in done.text
    both = letters(shop, "We have your withdrawal")
    # Whoever ordered shall know, even if somebody else has got hold of the link.
    assert {to for one in both for to in one.recipients} == {
        "new@example.org",
        CUSTOMER["email"],
    }
    assert len({one.message["Message-ID"] for one in both}) == 2


def test_the_owner_is_told_with_all_figures(shop: Shop) -> None:
    placed = paid(shop)
    tell(shop, "refund.created", refund_of(placed, 3000))
    withdrawn(shop, placed, reason="Because.")

    (letter,) = letters(shop, "Please look: A customer has withdrawn")

    assert letter.recipients == ["owner@lunaria.example"]
    for line in (
        "For: Birth chart reading",
        "Paid: €80.00",
        "Refunded: €30.00",
        "Can still be returned: €50.00",
        "Reason: Because.",
        f"E-mail: {CUSTOMER['email']}",
    ):
        assert line in (letter.text or "")
    matter = shop.row("SELECT * FROM matters")
    order = shop.row("SELECT * FROM orders")
    assert matter["subject"] == order["provider_payment_intent_id"]
    stated_at = shop.row("SELECT stated_at FROM withdrawals")["stated_at"]
    until = matter["figures"]["give_back_by"]
    assert until > stated_at.date().isoformat()
    assert f"To be returned by: {until}" in (letter.text or "")


def test_what_came_by_post_goes_back(shop: Shop) -> None:
    reading, printed = paid(shop), paid(shop, PRINTED)

    assert "came by post" not in withdrawn(shop, reading).text
    assert "came by post" in withdrawn(shop, printed).text


@pytest.mark.parametrize(
    ("prefix", "first", "second"),
    [
        ("/es", "Desistir del contrato aquí", "Confirmar desistimiento"),
        ("/pt", "Retratar-se do contrato aqui", "Confirmar a retratação"),
    ],
)
def test_the_buttons_bear_the_words_of_the_directive(
    shop: Shop, prefix: str, first: str, second: str
) -> None:
    placed = paid(shop)
    path = f"{prefix}/orders/{placed.token}"
    form = fields(shop.get(f"{path}/withdrawal").text)

    assert first in shop.get(path).text
    assert f">{second}<" in shop.post(f"{path}/withdrawal", data=form).text


# What is typed


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "ana"}, "email"),
        ({"email": ""}, "email"),
        ({"reason": "x" * 1001}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
    ],
)
@pytest.mark.parametrize("rest", ["", "/confirm"])
def test_a_fault_is_told_at_its_field_and_nothing_is_kept(
    shop: Shop, typed: dict[str, str], field: str, rest: str
) -> None:
    placed = paid(shop)
    form = fields(shop.get(at(placed)).text)

    answer = shop.post(at(placed, rest), data={**form, **typed})

    assert answer.status_code == 422
    assert alarms(answer.text) == [field]
    assert "<title>Error:" in answer.text
    assert shop.rows("SELECT * FROM withdrawals") == []


def test_something_can_be_changed_before_it_is_sent(shop: Shop) -> None:
    placed = paid(shop)
    form = confirmable(shop, placed, name="Ana de Lima")

    again = shop.post(at(placed), data={**form, "change": "1"})

    assert fields(again.text)["name"] == "Ana de Lima"
    assert shop.rows("SELECT * FROM withdrawals") == []


def test_what_is_typed_stays_text(shop: Shop) -> None:
    placed = paid(shop)
    hostile = '"><script>alert(1)</script>{{7*7}}'

    done = withdrawn(shop, placed, name=hostile, reason=hostile)

    assert "<script>alert" not in done.text
    assert "{{7*7}}" in done.text


# Once


def test_a_second_press_shows_the_first_statement(shop: Shop) -> None:
    placed = paid(shop)
    form = confirmable(shop, placed)
    withdrawn(shop, placed, name="Ana the First")
    before = shop.rows("SELECT * FROM withdrawals")

    again = shop.post(at(placed, "/confirm"), data={**form, "name": "Ana the Second"})

    assert again.status_code == 303
    assert "Ana the First" in shop.get(again.headers["Location"]).text
    assert shop.post(at(placed), data=form).status_code == 303
    assert shop.rows("SELECT * FROM withdrawals") == before
    assert len(shop.rows("SELECT * FROM letters WHERE kind = 'withdrawal'")) == 1
    assert len(shop.rows("SELECT * FROM matters")) == 1


def test_pressing_in_many_windows_at_once_is_pressing_once(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed)

    def press(number: int) -> None:
        with shop.app.app_context():
            withdraw(UUID(placed.id), Statement(f"Ana {number}", "a@b.org", None))

    with ThreadPoolExecutor(8) as windows:
        list(windows.map(press, range(8)))

    assert len(shop.rows("SELECT * FROM withdrawals")) == 1
    assert len(shop.rows("SELECT * FROM matters")) == 1
    assert len(letters(shop, "We have your withdrawal")) == 2
    assert shop.check() == []


def test_a_statement_without_letter_or_matter_is_found(shop: Shop) -> None:
    placed = shop.place()
    shop.pay(placed)
    withdrawn(shop, placed)
    letters(shop, "We have your withdrawal")
    assert shop.check() == []

    shop.rows("DELETE FROM letters WHERE kind = 'withdrawal'; DELETE FROM matters")

    told = " ".join(shop.check())
    assert "has a withdrawal that no letter confirms" in told
    assert "has a withdrawal that nobody was told of" in told


# For how long, and from what


@pytest.mark.parametrize(
    ("product", "days", "is_open"),
    [
        (READING, 0, True),
        # Fourteen days, and those that a weekend or a holiday adds.
        (READING, 20, True),
        (READING, 22, False),
        # Nobody here knows when a parcel has arrived.
        (PRINTED, 22, True),
        (PRINTED, 364, True),
        (PRINTED, 366, False),
    ],
)
def test_the_button_is_there_for_as_long_as_the_right_may_last(
    shop: Shop, product: str, days: int, is_open: bool
) -> None:
    placed = paid(shop, product)
    form = confirmable(shop, placed)
    let_days_pass(shop, days)

    assert (LABEL in page(shop, placed)) == is_open
    html = shop.get(at(placed)).text
    assert ("The time for withdrawing from this order is over" in html) != is_open
    assert shop.post(at(placed, "/confirm"), data=form).status_code == 303
    assert len(shop.rows("SELECT * FROM withdrawals")) == is_open


def test_what_is_not_paid_is_no_contract(shop: Shop) -> None:
    placed, other = shop.place(), paid(shop)
    form = confirmable(shop, other)

    assert LABEL not in page(shop, placed)
    assert "This order is not paid." in shop.get(at(placed)).text
    assert shop.post(at(placed), data=form).status_code == 303
    assert shop.post(at(placed, "/confirm"), data=form).status_code == 303
    assert shop.rows("SELECT * FROM withdrawals") == []


def test_of_what_is_returned_already_nothing_is_left_to_withdraw_from(
    shop: Shop,
) -> None:
    placed = paid(shop)
    tell(shop, "refund.created", refund_of(placed, 3000))
    assert LABEL in page(shop, placed)
    rest = {**refund_of(placed, 5000), "id": "re_the_rest"}
    tell(shop, "refund.created", rest)

    assert LABEL not in page(shop, placed)
    assert "has been returned to you" in shop.get(at(placed)).text


def test_a_statement_is_shown_after_all_is_returned(shop: Shop) -> None:
    placed = paid(shop)
    withdrawn(shop, placed)
    tell(shop, "refund.created", refund_of(placed, 8000))

    html = page(shop, placed)

    assert "You sent your statement on" in html
    assert "What is due to you" not in html


# Who may see it, and other people's forms


def test_the_pages_are_kept_by_nobody_and_found_by_no_search(shop: Shop) -> None:
    placed = paid(shop)
    form = fields(shop.get(at(placed)).text)
    for answer in (shop.get(at(placed)), shop.post(at(placed), data=form)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]


def test_without_the_orders_link_there_is_nothing(shop: Shop) -> None:
    form = fields(shop.get(at(paid(shop))).text)
    path = f"/orders/{'x' * 43}/withdrawal"

    assert shop.get(path).status_code == 404
    assert shop.post(path, data=form).status_code == 404
    assert shop.post(f"{path}/confirm", data=form).status_code == 404


@pytest.mark.parametrize("rest", ["", "/confirm"])
def test_a_form_that_was_open_too_long_comes_back_as_it_was(
    shop: Shop, rest: str
) -> None:
    placed = paid(shop)
    typed = {"name": "Ana de Lima", "email": "a@b.org", "csrf_token": "old"}

    answer = shop.post(at(placed, rest), data=typed)

    assert answer.status_code == 400
    assert "open too long" in answer.text
    assert fields(answer.text)["name"] == "Ana de Lima"
    assert shop.rows("SELECT * FROM withdrawals") == []


def test_every_text_says_where_the_function_is(shop: Shop) -> None:
    for prefix, label in (
        ("", LABEL),
        ("/es", "Desistir del contrato aquí"),
        ("/pt", "Retratar-se do contrato aqui"),
    ):
        html = shop.get(f"{prefix}/cancellation").text
        assert label in re.sub(r"<[^>]+>", "", html)
        assert f'href="{prefix}/find-my-order"' in html
