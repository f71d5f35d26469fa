"""Letters: what they say, and that each arrives once, whatever the server does."""

import pytest

from storefront.demo.mailbox import Letter
from tests.fixtures.shop import CUSTOMER, Placed, Shop

OWNER = "owner@lunaria.example"


@pytest.fixture
def paid(shop: Shop) -> Placed:
    """Give a paid order whose letters are written and not sent."""
    placed = shop.place()
    shop.pay(placed)
    return placed


def letter_to(shop: Shop, address: str) -> Letter:
    (letter,) = [one for one in shop.mailbox.letters if address in one.recipients]
    return letter


def test_nothing_is_sent_in_a_request(shop: Shop, paid: Placed) -> None:
    assert shop.mailbox.letters == []


def test_the_receipt_says_what_was_bought_and_what_comes_next(
    shop: Shop, paid: Placed
) -> None:
    shop.run_job("send-mail")

    receipt = letter_to(shop, CUSTOMER["email"])
    number = paid.answer["number"]
    assert number in receipt.subject
    assert "€80.00" in receipt.subject
    for part in (receipt.text, receipt.html):
        assert part
        for fact in (
            number,
            "Birth chart reading",
            "€80.00",
            "Mara writes to you within a day",
            paid.answer["order_url"],
            "PT123456789",
        ):
            assert fact in part
    assert receipt.message["Reply-To"] == "mara@lunaria.example"
    assert receipt.message["Auto-Submitted"] == "auto-generated"
    assert receipt.message["Date"]


def test_the_owner_is_told_who_bought_what(shop: Shop, paid: Placed) -> None:
    shop.run_job("send-mail")

    letter = letter_to(shop, OWNER)
    assert paid.answer["number"] in letter.subject
    for fact in (
        CUSTOMER["name"],
        CUSTOMER["email"],
        "Mara writes to you within a day",
    ):
        assert fact in (letter.text or "")
        assert fact in (letter.html or "")


def test_the_receipt_of_a_file_links_to_it(shop: Shop) -> None:
    placed = shop.place("almanac-2027-digital")
    shop.pay(placed)
    shop.run_job("send-mail")

    receipt = letter_to(shop, CUSTOMER["email"])
    link = f"{placed.answer['order_url']}/files/almanac-2027-digital"
    assert link in (receipt.text or "")
    assert link in (receipt.html or "")


def test_sending_again_sends_nothing(shop: Shop, paid: Placed) -> None:
    assert shop.run_job("send-mail") == 2
    assert shop.run_job("send-mail") == 0
    assert len(shop.mailbox.letters) == 2


def test_a_repeat_after_a_crash_bears_the_same_message_id(
    shop: Shop, paid: Placed
) -> None:
    """Row 38: mail programs can tell that it is one letter."""
    # The server takes a letter, and the connection dies before it can say so.
    shop.mailbox.lose_reply(times=2)
    shop.run_job("send-mail")
    shop.run_job("send-mail")

    shop.run_job("send-mail")

    ids = [letter.message["Message-ID"] for letter in shop.mailbox.letters]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def test_a_server_that_is_away_loses_nothing(shop: Shop, paid: Placed) -> None:
    """Row 39: letters wait, and go out when it is back."""
    shop.mailbox.refuse()
    shop.run_job("send-mail")
    waiting = shop.rows("SELECT tries, sent_at, parked_at, last_error FROM letters")
    assert [row["sent_at"] for row in waiting] == [None, None]
    assert {row["last_error"] for row in waiting} == {"ConnectionRefusedError"}

    shop.mailbox.clear()
    shop.run_job("send-mail")
    assert len(shop.mailbox.letters) == 2


def test_a_temporary_refusal_is_tried_again(shop: Shop, paid: Placed) -> None:
    """Row 41: a 4xx is tried again."""
    shop.mailbox.answer("451 later", to="RCPT")

    assert shop.run_job("send-mail") == 1
    row = shop.row("SELECT last_error, parked_at FROM letters WHERE sent_at IS NULL")
    assert row == {
        "last_error": "the recipient was refused with 451",
        "parked_at": None,
    }

    assert shop.run_job("send-mail") == 1


def test_a_final_refusal_is_parked_with_its_reason_and_told_to_the_owner(
    shop: Shop, paid: Placed
) -> None:
    """Row 41: a 5xx is parked with its reason; the others go on."""
    shop.mailbox.answer("550 unknown", to="RCPT")

    assert shop.run_job("send-mail") == 1
    parked = shop.row("SELECT id, last_error FROM letters WHERE parked_at IS NOT NULL")
    assert parked["last_error"] == "the recipient was refused with 550"
    matter = shop.row("SELECT reason, subject FROM matters")
    assert matter == {"reason": "letter parked", "subject": str(parked["id"])}
    for _ in ("written", "sent"):
        shop.run_job("send-mail")
    told = [letter.text for letter in shop.mailbox.letters if letter.text]
    assert any("refused with 550" in text for text in told)


@pytest.mark.parametrize("address", ["zoë@example.com", "a@example.com\nBcc: b@x.com"])
def test_an_address_that_no_mail_can_bear_does_not_stop_the_others(
    shop: Shop, paid: Placed, address: str
) -> None:
    """Stripe may have another address than the ones that our form takes."""
    shop.rows("UPDATE letters SET recipient = %s WHERE kind = 'receipt'", address)

    assert shop.run_job("send-mail") == 1

    parked = shop.row("SELECT kind FROM letters WHERE parked_at IS NOT NULL")
    assert parked == {"kind": "receipt"}


def test_an_owner_who_cannot_be_reached_gets_no_letter_about_that(
    shop: Shop, paid: Placed
) -> None:
    shop.rows("INSERT INTO matters VALUES (gen_random_uuid(), 'odd', 'x', NULL, '{}')")
    shop.mailbox.answer("550 unknown", to="RCPT", times=20)

    for _ in range(3):
        shop.run_job("send-mail")

    assert shop.row("SELECT count(*) AS n FROM letters")["n"] == 5
    assert shop.row("SELECT count(*) AS n FROM matters")["n"] == 3


def test_a_closing_server_keeps_letters_for_later(shop: Shop, paid: Placed) -> None:
    """Row 41: a 421 says nothing against a letter."""
    shop.mailbox.answer("421 closing", to="RCPT")

    shop.run_job("send-mail")
    assert shop.rows("SELECT * FROM letters WHERE parked_at IS NOT NULL") == []

    shop.run_job("send-mail")
    assert len(shop.mailbox.letters) == 2


def test_after_three_days_of_tries_a_letter_is_parked(shop: Shop, paid: Placed) -> None:
    shop.mailbox.refuse()
    shop.rows("UPDATE letters SET created_at = now() - interval '3 days 1 minute'")

    shop.run_job("send-mail")

    parked = shop.rows("SELECT last_error FROM letters WHERE parked_at IS NOT NULL")
    assert [row["last_error"] for row in parked] == ["ConnectionRefusedError"] * 2


def test_a_name_cannot_add_a_recipient(shop: Shop) -> None:
    answer = shop.post(
        "/api/checkout",
        json={
            "items": [{"service_id": "birth-chart-reading", "quantity": 1}],
            "customer": {"email": "a@example.com", "name": "A\r\nBcc: b@example.com"},
        },
    )

    assert answer.status_code == 422
