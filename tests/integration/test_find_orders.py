"""Finding one's orders: the links go to the mailbox, the page says nothing."""

import re
from html import unescape
from typing import Any

import pytest
import requests
from sqlalchemy import event

from storefront.demo.mailbox import Letter
from storefront.extensions import db
from tests.fixtures.shop import CUSTOMER, OpenShop, Shop
from tests.integration.test_checkout_form import alarms, fields

FIND = "/find-my-order"
STRANGER = "nobody@example.com"


def ask(
    shop: Shop, email: str = CUSTOMER["email"], prefix: str = "", **headers: str
) -> requests.Response:
    """Open the page, and send it with an address."""
    form = fields(shop.get(prefix + FIND).text)
    return shop.post(prefix + FIND, data={**form, "email": email}, headers=headers)


def letters_to(shop: Shop, email: str) -> list[Letter]:
    """Send what is to be sent; give what arrived at an address."""
    shop.run_job("send-mail")
    return [one for one in shop.mailbox.letters if email in one.recipients]


def make_older(shop: Shop, order_id: str, days: int) -> None:
    shop.rows(
        "UPDATE orders SET created_at = now() - make_interval(days => %s)"
        " WHERE id = %s",
        days,
        order_id,
    )


# What comes by mail


def test_the_links_of_an_address_go_there(shop: Shop) -> None:
    placed = [shop.place(), shop.place("almanac-2027-digital")]

    assert ask(shop).status_code == 303

    (letter,) = letters_to(shop, CUSTOMER["email"])
    for part in (letter.text or "", unescape(letter.html or "")):
        for one in placed:
            assert one.answer["order_url"] in part
            assert one.answer["number"] in part
        assert "Birth chart reading" in part
        assert "€80.00" in part
        assert "You did not finish paying" in part
    assert letter.message["Reply-To"] == "mara@lunaria.example"
    assert letter.recipients == [CUSTOMER["email"]]


def test_the_newest_order_stands_first(shop: Shop) -> None:
    old, new = shop.place(), shop.place()
    make_older(shop, old.id, days=20)
    ask(shop)

    text = letters_to(shop, CUSTOMER["email"])[0].text or ""

    assert text.index(new.answer["number"]) < text.index(old.answer["number"])


def test_orders_of_others_and_of_years_ago_stay_out(shop: Shop) -> None:
    mine, old, other = shop.place(), shop.place(), shop.place()
    make_older(shop, mine.id, days=364)
    make_older(shop, old.id, days=365)
    shop.rows("UPDATE orders SET customer_email = 'x@b.org' WHERE id = %s", other.id)
    ask(shop)

    text = letters_to(shop, CUSTOMER["email"])[0].text or ""

    assert mine.answer["number"] in text
    assert old.answer["number"] not in text
    assert other.answer["number"] not in text


def test_of_more_orders_than_a_letter_holds_the_newest_fifty_stand_in_it(
    shop: Shop,
) -> None:
    oldest = shop.place()
    shop.rows(
        "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 'COPY' || n, 'page_token', 'copy' || n,"
        "'provider_session_id', null,"
        "'created_at', now() + n * interval '1 second'))).*"
        " FROM orders o, generate_series(1, 50) AS n;"
        " INSERT INTO checkout_attempts SELECT (jsonb_populate_record(a,"
        "jsonb_build_object('id', gen_random_uuid(), 'order_id', o.id,"
        "'idempotency_key', o.number, 'provider_session_id', null))).*"
        " FROM checkout_attempts a, orders o WHERE o.number LIKE 'COPY%%'"
    )
    ask(shop)

    text = letters_to(shop, CUSTOMER["email"])[0].text or ""

    assert len(set(re.findall(r"COPY\d+", text))) == 50
    assert oldest.answer["number"] not in text


@pytest.mark.parametrize("typed", ["ANA@example.com", " ana@EXAMPLE.com "])
def test_large_and_small_letters_make_no_difference(shop: Shop, typed: str) -> None:
    shop.place()

    ask(shop, typed)

    shop.run_job("send-mail")
    (letter,) = shop.mailbox.letters
    assert letter.recipients[0].lower() == CUSTOMER["email"]


@pytest.mark.parametrize(
    ("prefix", "subject", "state"),
    [
        ("", "Your orders at Lunaria", "You did not finish paying"),
        ("/es", None, None),
        ("/pt", None, None),
    ],
)
def test_the_letter_speaks_the_language_of_the_page(
    shop: Shop, prefix: str, subject: str | None, state: str | None
) -> None:
    placed = shop.place()
    ask(shop, prefix=prefix)

    (letter,) = letters_to(shop, CUSTOMER["email"])

    base = shop.app.config["SETTINGS"].base_url
    assert f"{base}{prefix}/orders/{placed.token}" in (letter.text or "")
    assert f'lang="{prefix[1:] or "en"}"' in (letter.html or "")
    assert subject is None or letter.subject == subject
    assert state is None or state in (letter.text or "")


def test_nobody_writes_to_whom_there_is_nothing_to_say(shop: Shop) -> None:
    shop.place()
    ask(shop, STRANGER)

    assert letters_to(shop, STRANGER) == []
    assert shop.rows("SELECT * FROM letters") == []
    assert shop.check() == []


def test_an_order_made_meanwhile_is_in_the_letter(shop: Shop) -> None:
    ask(shop)
    placed = shop.place()

    assert placed.answer["number"] in (
        letters_to(shop, CUSTOMER["email"])[0].text or ""
    )


def test_what_an_order_is_called_stays_text(shop: Shop) -> None:
    shop.place()
    shop.rows(
        "UPDATE orders SET line_items ="
        " jsonb_set(line_items, '{0,name}', '\"<img src=x>\"')"
    )
    ask(shop)

    assert "<img" not in (letters_to(shop, CUSTOMER["email"])[0].html or "")


# What the page tells: nothing


def test_the_answer_is_the_same_with_and_without_orders(shop: Shop) -> None:
    shop.place()

    answers = [ask(shop), ask(shop, STRANGER)]
    pages = [shop.get(answer.headers["Location"]).text for answer in answers]

    assert [answer.status_code for answer in answers] == [303, 303]
    without_tokens = {re.sub(r'csrf_token" value="[^"]*"', "", one) for one in pages}
    assert len(without_tokens) == 1
    assert "a letter with the links is on its way" in pages[0]
    assert CUSTOMER["email"] not in pages[0]


def test_the_request_asks_the_database_the_same_with_and_without_orders(
    shop: Shop,
) -> None:
    shop.place()
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def statements(email: str) -> list[str]:
        form = {**fields(shop.get(FIND).text), "email": email}
        asked.clear()
        shop.post(FIND, data=form)
        return list(asked)

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    statements(CUSTOMER["email"])
    known, unknown = statements(CUSTOMER["email"]), statements(STRANGER)

    assert known == unknown
    assert not any("FROM orders" in one for one in known)
    assert len(shop.rows("SELECT * FROM letters")) == 3


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "a@b@c.org",
        "ana@example.com\nBcc: x@y.org",
        "x" * 5000,
        "a\x00@b.org",
    ],
)
def test_what_is_no_address_is_a_fault_at_the_field(shop: Shop, typed: str) -> None:
    answer = ask(shop, typed)

    assert answer.status_code == 422
    assert alarms(answer.text) == ["email"]
    assert "<title>Error:" in answer.text
    assert shop.rows("SELECT * FROM letters") == []


def test_the_field_begins_empty_and_stays_so_where_nothing_was_sent(shop: Shop) -> None:
    form = fields(shop.get(FIND).text)
    assert form["email"] == ""
    del form["email"]

    answer = shop.post(FIND, data=form)

    assert answer.status_code == 422
    assert fields(answer.text)["email"] == ""


def test_what_was_typed_comes_back_as_text(shop: Shop) -> None:
    hostile = '"><script>alert(1)</script>'

    answer = ask(shop, hostile)

    assert "<script>alert" not in answer.text
    assert fields(answer.text)["email"] == hostile


def test_the_page_is_kept_by_nobody(shop: Shop) -> None:
    assert shop.get(FIND).headers["Cache-Control"] == "no-store"


# htmx


def test_a_fragment_answers_in_place(shop: Shop) -> None:
    for email, words in (
        (CUSTOMER["email"], "a letter with the links is on its way"),
        ("ana", "Enter an e-mail address"),
    ):
        answer = ask(shop, email, **{"HX-Request": "true"})

        # What htmx 2 shall show may not be called an error.
        assert answer.status_code == 200
        assert answer.text.startswith('<div id="find"')
        assert "<html" not in answer.text
        assert words in answer.text


# Enough is enough


def test_one_mailbox_gets_a_few_letters_and_the_page_does_not_tell(shop: Shop) -> None:
    shop.place()

    answers = [ask(shop, typed) for typed in [CUSTOMER["email"], "ANA@example.com"] * 3]

    assert {answer.status_code for answer in answers} == {303}
    shop.run_job("send-mail")
    assert len(shop.mailbox.letters) == 3


def test_one_network_address_asks_for_so_many_and_is_told_when_to_go_on(
    shop: Shop,
) -> None:
    form = fields(shop.get(FIND).text)
    answers = [
        shop.post(FIND, data={**form, "email": f"a{n}@example.com"}) for n in range(21)
    ]

    assert {answer.status_code for answer in answers[:20]} == {303}
    last = answers[-1]
    assert last.status_code == 429
    assert 1 <= int(last.headers["Retry-After"]) <= 3600
    assert fields(last.text)["email"] == "a20@example.com"
    assert len(shop.rows("SELECT * FROM letters")) == 20
    # Neither orders nor checkouts are counted with that.
    assert shop.checkout().status_code == 201


def test_another_network_address_is_counted_by_itself(open_shop: OpenShop) -> None:
    shop = open_shop(TRUSTED_PROXIES="1")
    form = {**fields(shop.get(FIND).text), "email": STRANGER}

    def asks(address: str) -> int:
        headers = {"X-Forwarded-For": address, "X-Forwarded-Host": shop.url[7:]}
        return shop.post(FIND, data=form, headers=headers).status_code

    assert {asks("192.0.2.1") for _ in range(20)} == {303}
    assert asks("192.0.2.1") == 429
    assert asks("192.0.2.2") == 303


def test_counters_hold_no_e_mail_addresses(shop: Shop) -> None:
    ask(shop)

    assert "ana" not in str(shop.rows("SELECT key FROM rate_counters"))


def test_what_was_asked_for_is_forgotten_after_a_month(shop: Shop) -> None:
    shop.place()
    ask(shop)
    letters_to(shop, CUSTOMER["email"])
    shop.rows("UPDATE letters SET created_at = now() - interval '31 days'")

    shop.run_job("prune")

    assert shop.rows("SELECT * FROM letters") == []


# Other people's forms


@pytest.mark.parametrize("token", ["", "x", "IjAwIg.aaaa.bbbb"])
def test_without_our_token_nothing_is_sent_and_the_form_comes_back(
    shop: Shop, token: str
) -> None:
    answer = shop.post(FIND, data={"csrf_token": token, "email": CUSTOMER["email"]})

    assert answer.status_code == 400
    assert fields(answer.text)["email"] == CUSTOMER["email"]
    assert shop.rows("SELECT * FROM letters") == []

    assert shop.post(FIND, data=fields(answer.text)).status_code == 303


def test_a_search_that_another_site_sends_is_a_403(shop: Shop) -> None:
    assert ask(shop, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
