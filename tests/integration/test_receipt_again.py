"""A receipt asked for again: a copy, to the same address, a few times an hour."""

import re
from html import unescape

import pytest
import requests

from storefront.demo.mailbox import Letter
from tests.factories.events import pay_by_events, refund_of, tell
from tests.fixtures.shop import CUSTOMER, Placed, Shop
from tests.integration.test_checkout_form import fields

FRAGMENT = {"HX-Request": "true"}


def ask(
    shop: Shop, placed: Placed, prefix: str = "", **headers: str
) -> requests.Response:
    """Open the order's page, and press its button."""
    path = f"{prefix}/orders/{placed.token}"
    form = fields(shop.get(path).text)
    return shop.post(f"{path}/receipt", data=form, headers=headers)


def paid(shop: Shop, product: str = "birth-chart-reading") -> Placed:
    placed = shop.place(product)
    shop.pay(placed)
    return placed


def receipts(shop: Shop) -> list[Letter]:
    """Send what is to be sent; give what the customer has got, oldest first."""
    shop.run_job("send-mail")
    return [one for one in shop.mailbox.letters if CUSTOMER["email"] in one.recipients]


def attachment(letter: Letter) -> bytes:
    """Give the file of a letter."""
    (file,) = letter.message.iter_attachments()
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def let_minutes_pass(shop: Shop, minutes: int) -> None:
    shop.rows(
        "UPDATE letters SET created_at = created_at - make_interval(mins => %s)",
        minutes,
    )


def test_the_page_names_the_address_so_that_its_owner_knows_it(shop: Shop) -> None:
    placed = shop.place()
    assert 'id="resend"' not in shop.get(f"/orders/{placed.token}").text
    shop.pay(placed)

    html = shop.get(f"/orders/{placed.token}").text

    assert "The receipt goes to a…@example.com." in html
    assert "Send it again" in html


def test_a_copy_comes_with_the_same_figures_and_the_same_file(shop: Shop) -> None:
    placed = paid(shop)
    (first,) = receipts(shop)

    answer = ask(shop, placed)
    page = shop.get(answer.headers["Location"])

    assert answer.status_code == 303
    assert "Sent again." in page.text
    _, copy = receipts(shop)
    assert copy.recipients == first.recipients == [CUSTOMER["email"]]
    assert copy.message["Message-ID"] != first.message["Message-ID"]
    assert copy.subject == first.subject.replace("Receipt", "Receipt (copy)")
    assert attachment(copy) == attachment(first)
    for half in (copy.text or "", unescape(copy.html or "")):
        assert "This is a copy: nothing was charged again." in half
        for figure in (placed.answer["number"], "€80.00"):
            assert figure in half
    assert shop.check() == []


def test_the_copy_of_a_refunded_order_tells_what_went_back(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    tell(shop, "refund.created", refund_of(placed, 8000))

    assert ask(shop, placed).status_code == 303

    copy = receipts(shop)[-1]
    for half in (copy.text or "", unescape(copy.html or "")):
        assert "−€80.00" in half
        assert "What happens next".upper() not in half.upper()


@pytest.mark.parametrize("prefix", ["/es", "/pt"])
def test_the_copy_speaks_the_language_of_the_order(shop: Shop, prefix: str) -> None:
    placed = paid(shop)

    answer = ask(shop, placed, prefix)

    assert answer.headers["Location"].startswith(f"{prefix}/orders/")
    assert 'lang="en"' in (receipts(shop)[-1].html or "")


def test_only_the_orders_own_address_gets_it(shop: Shop) -> None:
    placed = paid(shop)
    form = fields(shop.get(f"/orders/{placed.token}").text)

    shop.post(f"/orders/{placed.token}/receipt", data={**form, "email": "eve@x.org"})

    shop.run_job("send-mail")
    assert {to for one in shop.mailbox.letters for to in one.recipients} == {
        CUSTOMER["email"],
        "owner@lunaria.example",
    }


def test_what_was_never_paid_has_no_receipt_to_send(shop: Shop) -> None:
    placed = shop.place()
    form = fields(shop.get(f"/orders/{placed.token}").text)

    answer = shop.post(f"/orders/{placed.token}/receipt", data=form)

    assert answer.status_code == 404
    assert shop.rows("SELECT * FROM letters") == []


def test_an_address_that_is_no_orders_is_a_404(shop: Shop) -> None:
    form = fields(shop.get(f"/orders/{paid(shop).token}").text)
    assert shop.post(f"/orders/{'x' * 43}/receipt", data=form).status_code == 404


# Enough is enough


def test_the_fourth_within_an_hour_is_told_when_to_go_on(shop: Shop) -> None:
    placed, other = paid(shop), paid(shop)
    answers = [ask(shop, placed) for _ in range(4)]

    assert [one.status_code for one in answers] == [303, 303, 303, 429]
    last = answers[-1]
    assert 3500 <= int(last.headers["Retry-After"]) <= 3600
    assert "try again in 60 minutes" in last.text
    assert "<title>Error:" in last.text
    assert "no-store" in last.headers["Cache-Control"]
    # Another order has hours of its own.
    assert ask(shop, other).status_code == 303


def test_an_hour_goes_by_from_each_letter_and_not_by_the_clock(shop: Shop) -> None:
    placed = paid(shop)
    ask(shop, placed)
    let_minutes_pass(shop, 50)
    assert [ask(shop, placed).status_code for _ in range(3)] == [303, 303, 429]

    let_minutes_pass(shop, 9)
    answer = ask(shop, placed)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "try again in 1 minute." in answer.text

    let_minutes_pass(shop, 1)
    assert [ask(shop, placed).status_code for _ in range(2)] == [303, 429]


# htmx, and other people's forms


def test_a_fragment_answers_in_place(shop: Shop) -> None:
    placed = paid(shop)
    answers = [ask(shop, placed, **FRAGMENT) for _ in range(4)]

    # What htmx 2 shall show may not be called an error.
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        assert answer.text.startswith('<div id="resend"')
        assert "<html" not in answer.text
    assert "Sent again." in answers[0].text
    assert "try again in 60 minutes" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 3500


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_page_that_was_open_too_long_is_ready_for_another_try(
    shop: Shop, headers: dict[str, str]
) -> None:
    placed = paid(shop)
    path = f"/orders/{placed.token}/receipt"

    answer = shop.post(path, data={"csrf_token": "old"}, headers=headers)

    assert answer.status_code == (200 if headers else 400)
    assert "open too long" in answer.text
    assert len(receipts(shop)) == 1
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', answer.text))
    assert shop.post(path, data={"csrf_token": token}).status_code == 303
