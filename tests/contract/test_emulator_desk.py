"""The desk for people: every button does what it says."""

import re

import pytest
import requests

from storefront.demo.stripe_emulator.errors import ApiError
from storefront.demo.stripe_emulator.people_page import read_amount
from tests.contract.conftest import NewSession, Receiver
from tests.fixtures.emulator import EmulatorHand


def press(
    emulator: EmulatorHand, http: requests.Session, path: str, **form: str
) -> requests.Response:
    """Press a button that stands on the desk."""
    assert f'action="{path}"' in http.get(emulator.url).text
    return http.post(emulator.url + path, form)


def test_an_empty_account(emulator: EmulatorHand, http: requests.Session) -> None:
    page = http.get(emulator.url).text
    assert "EMULATOR" in page
    assert "None yet" in page


def test_paying_later_and_refunding_in_part(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    key = new_session().id
    path = f"/people/sessions/{key}/pay"
    press(emulator, http, path, outcome="delayed")
    press(emulator, http, path, outcome="delayed_succeeds")
    charge = emulator.charge_of(key)
    refund = f"/people/charges/{charge['id']}/refund"
    press(emulator, http, refund, amount="12.50")
    page = press(emulator, http, refund, amount="100")
    assert page.status_code == 409
    assert "greater than" in page.text
    press(emulator, http, refund)
    assert [row["amount"] for row in emulator.ledger()["refunds"]] == [1250, 6750]


def test_expiring_and_advancing(
    emulator: EmulatorHand, http: requests.Session, new_session: NewSession
) -> None:
    first, second = new_session().id, new_session().id
    press(emulator, http, f"/people/sessions/{first}/expire")
    press(emulator, http, "/people/clock", seconds="86400")
    statuses = {row["id"]: row["status"] for row in emulator.ledger()["sessions"]}
    assert statuses == {first: "expired", second: "expired"}
    assert (
        http.post(f"{emulator.url}/people/clock", {"seconds": "-1"}).status_code == 409
    )


def test_sending_again(
    emulator: EmulatorHand,
    http: requests.Session,
    receiver: Receiver,
    new_session: NewSession,
) -> None:
    emulator.expire(new_session().id)
    emulator.wait()
    (event,) = emulator.events()
    press(emulator, http, f"/people/events/{event['id']}/resend")
    emulator.wait()
    assert len(receiver.got) == 2
    assert re.search(r"delivered:\s+200", http.get(emulator.url).text)


@pytest.mark.parametrize(
    "path",
    ["sessions/x/pay", "sessions/x/expire", "charges/x/refund", "events/x/resend"],
)
def test_what_is_not_there(
    emulator: EmulatorHand, http: requests.Session, path: str
) -> None:
    page = http.post(f"{emulator.url}/people/{path}", {"outcome": "paid"})
    assert page.status_code == 409
    assert "No such" in page.text


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("12.5", "eur", 1250),
        ("12,50", "eur", 1250),
        ("7", "jpy", 7),
        ("1", "kwd", 1000),
    ],
)
def test_amounts_are_read(typed: str, currency: str, amount: int) -> None:
    assert read_amount(typed, currency) == amount


@pytest.mark.parametrize("typed", ["-1", "1.234", "all", "1.2.3", "٣", "."])
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(ApiError):
        read_amount(typed, "eur")


def test_unknown_paths_are_told_as_pages(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    page = http.get(f"{emulator.url}/nothing")
    assert page.status_code == 404
    assert "EMULATOR" in page.text
    told = http.post(f"{emulator.url}/_control/nothing")
    assert told.status_code == 404
    assert told.json()["error"]["message"]
