"""The hosted payment page, walked through as a browser without scripts does."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from tests.contract.conftest import NewSession
from tests.fixtures.emulator import EmulatorHand

PAYS, DECLINED, NO_FUNDS = "4242424242424242", "4000000000000002", "4000000000009995"
SECURE, REAL_LOOKING = "4000002500003155", "4111111111111111"
SHIPPING = {
    "ship_name": "Ana Example",
    "line1": "1 Example Street",
    "line2": "",
    "city": "Exampleton",
    "postal_code": "10000",
    "country": "PT",
}


def card(number: str = PAYS, **changes: str) -> dict[str, str]:
    form = {"email": "ana@example.com", "method": "card", "number": number}
    return {**form, "expiry": "12 / 34", "cvc": "123", "name": "Ana Example", **changes}


def send(
    http: requests.Session, url: str | None, form: dict[str, str]
) -> requests.Response:
    assert url
    return http.post(url, form, allow_redirects=False)


def text(page: requests.Response) -> str:
    """Give the words of a page, each run of blanks as one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_the_page_shows_what_is_bought(
    http: requests.Session, new_session: NewSession
) -> None:
    page = http.get(new_session(customer_email="ana@example.com").url or "")
    assert page.status_code == 200
    shown = text(page)
    for word in ("EMULATOR", "Birth chart reading", "Pay EUR 80.00", "ana@example.com"):
        assert word in shown
    assert 'href="http://shop.example/cancel"' in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' http://shop.example;" in policy


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (5000, "jpy", "JPY 5,000"),
        (12340, "kwd", "KWD 12.340"),
        (105, "eur", "EUR 1.05"),
    ],
)
def test_amounts_are_written_by_currency(
    http: requests.Session,
    new_session: NewSession,
    amount: int,
    currency: str,
    shown: str,
) -> None:
    page = http.get(new_session(amount, currency).url or "")
    assert f"Pay {shown}" in text(page)


def test_names_are_escaped(http: requests.Session, new_session: NewSession) -> None:
    nasty = "<script>alert(1)</script>"
    price = {"currency": "eur", "unit_amount": 100, "product_data": {"name": nasty}}
    session = new_session(line_items=[{"price_data": price, "quantity": 1}])
    assert nasty not in http.get(session.url or "").text


def test_paying_leads_back(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    answer = send(http, session.url, card())
    assert answer.status_code == 303
    back = f"http://shop.example/back?session={session.id}"
    assert answer.headers["Location"] == back
    paid = emulator.session(session.id)
    assert paid["payment_status"] == "paid"
    assert paid["customer_details"]["email"] == "ana@example.com"


def test_paying_twice_is_not_possible(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    send(http, session.url, card())
    again = send(http, session.url, card())
    assert again.status_code == 409
    assert "already complete" in text(again)
    assert "already complete" in text(http.get(session.url or ""))
    assert len(emulator.ledger()["charges"]) == 1


def test_of_many_payments_at_once_one_counts(
    emulator: EmulatorHand, new_session: NewSession
) -> None:
    session = new_session()

    def attempt(_number: int) -> int:
        with requests.Session() as http:
            http.trust_env = False
            return send(http, session.url, card()).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(attempt, range(8)))
    assert statuses == [303] + [409] * 7
    assert len(emulator.ledger()["charges"]) == 1


def test_paying_without_coming_back(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    page = send(http, session.url, card(leave="1"))
    assert page.status_code == 200
    assert "the window is closed" in text(page)
    assert emulator.session(session.id)["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (DECLINED, "Your card was declined."),
        (NO_FUNDS, "Your card has insufficient funds."),
        (REAL_LOOKING, "use one of the test cards"),
    ],
)
def test_a_declined_card_may_be_followed_by_another(
    emulator: EmulatorHand,
    http: requests.Session,
    new_session: NewSession,
    number: str,
    message: str,
) -> None:
    session = new_session()
    page = send(http, session.url, card(number))
    assert page.status_code == 402
    assert message in text(page)
    assert number not in page.text.replace(" ", "") or number != REAL_LOOKING
    assert emulator.session(session.id)["status"] == "open"
    assert send(http, session.url, card()).status_code == 303


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "ana"}, "Enter an email address"),
        ({"number": "4242424242424241"}, "Your card number is invalid."),
        ({"number": "four"}, "Your card number is invalid."),
        ({"expiry": "01/20"}, "still to come"),
        ({"expiry": "13/40"}, "still to come"),
        ({"cvc": "12"}, "security code"),
        ({"name": ""}, "Enter the name"),
        ({"method": "cash"}, "Please look at the marked fields"),
    ],
)
def test_mistakes_are_told_at_their_field(
    emulator: EmulatorHand,
    http: requests.Session,
    new_session: NewSession,
    changes: dict[str, str],
    message: str,
) -> None:
    session = new_session()
    page = send(http, session.url, card(**changes))
    assert page.status_code == 422
    assert message in text(page)
    assert emulator.events() == []


def test_what_was_typed_is_shown_again_but_for_the_card(
    http: requests.Session, new_session: NewSession
) -> None:
    page = send(http, new_session().url, card(REAL_LOOKING, cvc="98x"))
    assert 'value="Ana Example"' in page.text
    assert REAL_LOOKING not in page.text
    assert "98x" not in page.text


@pytest.mark.parametrize(
    ("answer", "status", "payment_status"),
    [("complete", 303, "paid"), ("fail", 402, "unpaid")],
)
def test_the_bank_asks_back(
    emulator: EmulatorHand,
    http: requests.Session,
    new_session: NewSession,
    answer: str,
    status: int,
    payment_status: str,
) -> None:
    session = new_session()
    step = send(http, session.url, card(SECURE))
    assert step.status_code == 303
    url = urljoin(str(session.url), step.headers["Location"])
    assert "is this you?" in text(http.get(url))
    assert emulator.events("payment_intent.requires_action")
    done = send(http, url, {"answer": answer})
    assert done.status_code == status
    assert emulator.session(session.id)["payment_status"] == payment_status
    assert http.get(url, allow_redirects=False).status_code in (200, 303)


def test_the_bank_step_stands_only_after_a_card(
    http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    url = f"{session.url}/authenticate"
    for answer in (http.get(url, allow_redirects=False), send(http, url, {})):
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(session.id)
    send(http, session.url, card())
    assert "already complete" in text(http.get(url))
    assert send(http, url, {"answer": "complete"}).status_code == 409


def test_a_bank_debit_waits(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    form = {"email": "ana@example.com", "method": "sepa_debit", "name": "Ana"}
    assert send(http, session.url, form).status_code == 303
    waiting = emulator.session(session.id)
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")


def test_a_free_order_asks_for_no_card(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session(0)
    page = http.get(session.url or "")
    assert "Complete order" in text(page)
    assert 'name="number"' not in page.text
    answer = send(http, session.url, {"email": "ana@example.com"})
    assert answer.status_code == 303
    assert emulator.session(session.id)["payment_status"] == "no_payment_required"


def test_a_shipping_address_is_asked_for(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    countries = {"allowed_countries": ["ES", "PT"]}
    session = new_session(shipping_address_collection=countries)
    page = send(http, session.url, card() | {"country": "US"})
    assert page.status_code == 422
    for words in ("Enter the street", "Enter the town", "Choose one of the countries"):
        assert words in text(page)
    assert send(http, session.url, card() | SHIPPING).status_code == 303
    collected: Any = emulator.session(session.id)["collected_information"]
    place = collected["shipping_details"]["address"]
    assert (place["line1"], place["line2"]) == ("1 Example Street", None)
    assert place["country"] == "PT"


def test_an_expired_page_says_so(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    session = new_session()
    emulator.advance(25 * 3600)
    assert "has expired" in text(http.get(session.url or ""))
    assert send(http, session.url, card()).status_code == 409
    assert emulator.session(session.id)["status"] == "expired"


def test_an_unknown_page_says_so(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    page = http.get(f"{emulator.url}/c/pay/cs_test_none")
    assert page.status_code == 404
    assert "no such payment page" in text(page)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_other_sites_press_no_buttons(
    emulator: EmulatorHand,
    http: requests.Session,
    new_session: NewSession,
    headers: dict[str, str],
) -> None:
    url = new_session().url or ""
    assert http.post(url, card(), headers=headers).status_code == 403
    control = f"{emulator.url}/_control/reset"
    assert http.post(control, json={}, headers=headers).status_code == 403
    assert emulator.events() == []
