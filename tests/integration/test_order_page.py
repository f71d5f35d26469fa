"""The customer's order page: right in every state, and following the order."""

import json
import re
import time
from collections.abc import Callable
from html import escape, unescape
from typing import Any

import pytest
import requests
from sqlalchemy import event

from storefront import create_app
from storefront.extensions import db
from storefront.settings import read_settings
from tests.factories.events import (
    JsonObject,
    complete_session,
    pay_by_events,
    refund_of,
    row_counts,
    session_of,
    tell,
)
from tests.fixtures.figures import Figure
from tests.fixtures.shards import RECOVERIES, WORST
from tests.fixtures.shop import (
    CUSTOMER,
    READING,
    OpenShop,
    Placed,
    Shop,
    environment,
)

DONE = "checkout.session.completed"
UNPAID: JsonObject = {"payment_status": "unpaid"}
ASK: JsonObject = {"method": "GET", "path": "/v1/checkout/sessions/*"}
Deed = Callable[[Shop, Placed], Any]


def page(shop: Shop, placed: Placed, **query: str) -> requests.Response:
    answer = shop.get(f"/orders/{placed.token}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def region(html: str) -> str:
    """Give the part of a page, or the fragment, that tells how the order stands."""
    return html[html.index('id="status"') :].split("</main>")[0]


def trigger(html: str) -> tuple[str, int] | None:
    """Give where the region asks for news and how often, None if it has stopped."""
    address = re.search(r'hx-get="([^"]*)"', html)
    every = re.search(r'hx-trigger="every (\d+)s', html)
    assert bool(address) == bool(every)
    return (unescape(address[1]), int(every[1])) if address and every else None


def polled(shop: Shop, address: str) -> requests.Response:
    return shop.get(address, headers={"HX-Request": "true"})


def fail_later(shop: Shop, placed: Placed) -> None:
    tell(shop, DONE, complete_session(shop, placed, **UNPAID))
    kind = "checkout.session.async_payment_failed"
    tell(shop, kind, complete_session(shop, placed, **UNPAID))


def expire(shop: Shop, placed: Placed) -> None:
    shop.emulator.expire(placed.session_id)
    shop.emulator.wait()


def refund(shop: Shop, placed: Placed, amount: int) -> None:
    pay_by_events(shop, placed)
    tell(shop, "refund.created", refund_of(placed, amount))


def nothing(shop: Shop, placed: Placed) -> None:
    """Leave the order as it was placed."""


STATES: dict[str, tuple[Deed, str, str, bool]] = {
    # what happened, where the customer comes from, a word for it, is it followed
    "waiting for news": (nothing, "payment", "confirming", True),
    "not paid yet": (nothing, "cancel", "Nothing was charged", True),
    "opened from a letter": (nothing, "", "Nothing was charged", True),
    "at the bank": (
        lambda shop, placed: tell(shop, DONE, complete_session(shop, placed, **UNPAID)),
        "payment",
        "bank",
        False,
    ),
    "paid": (pay_by_events, "payment", "received", False),
    "failed": (fail_later, "", "No money was taken", False),
    "canceled": (expire, "cancel", "Nothing was charged", False),
    "refunded": (
        lambda shop, placed: refund(shop, placed, 8000),
        "",
        "refunded",
        False,
    ),
    "partly refunded": (
        lambda shop, placed: refund(shop, placed, 3000),
        "",
        "Partly refunded",
        False,
    ),
}


@pytest.mark.parametrize(
    ("deed", "came_from", "words", "is_followed"), STATES.values(), ids=STATES.keys()
)
def test_every_state_has_its_words(
    shop: Shop, deed: Deed, came_from: str, words: str, is_followed: bool
) -> None:
    placed = shop.place()
    deed(shop, placed)

    html = page(shop, placed, **{"from": came_from}).text

    assert words in region(html)
    assert placed.answer["number"] in region(html)
    assert "Birth chart reading" in region(html)
    assert "€80.00" in region(html)
    assert bool(trigger(html)) == is_followed
    assert ('http-equiv="refresh"' in html) == is_followed
    assert len(re.findall(r"<h1[ >]", html)) == 1


def test_a_partly_refunded_order_tells_both_sums(shop: Shop) -> None:
    placed = shop.place()
    refund(shop, placed, 3000)

    html = region(page(shop, placed).text)

    assert "€30.00" in html
    assert "€80.00" in html


def test_a_refund_that_failed_leaves_the_order_paid(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    given = refund_of(placed, 8000)
    tell(shop, "refund.created", given)
    tell(shop, "refund.failed", {**given, "status": "failed"})

    assert "received" in region(page(shop, placed).text)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "payment"},
        {"from": "paid"},
        {"session_id": "cs_test_forged"},
        {"session_id": "{CHECKOUT_SESSION_ID}"},
        {"status": "paid", "payment_status": "paid", "redirect_status": "succeeded"},
    ],
)
def test_nothing_in_the_address_makes_an_order_paid(
    shop: Shop, query: dict[str, str]
) -> None:
    placed = shop.place()

    html = page(shop, placed, **query).text

    assert "Payment received" not in html
    assert shop.order(placed.id)["status"] == "pending"


def test_the_session_of_another_order_in_the_address_does_nothing(shop: Shop) -> None:
    placed, other = shop.place(), shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.pay(other.session_id)

    page(shop, placed, session_id=other.session_id)

    assert shop.order(placed.id)["status"] == "pending"


def test_names_are_written_as_text(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    name = "<script>alert(1)</script>{{7*7}}\"'"
    shop.rows("UPDATE orders SET customer_name = %s", name)

    html = page(shop, placed).text

    assert "<script>alert" not in html
    assert escape(name, quote=False)[:30] in html.replace("&#34;", '"')
    assert "{{7*7}}" in html


@pytest.mark.parametrize("value", ["<script>", '"><script>alert(1)</script>', "%00"])
def test_where_a_customer_comes_from_is_never_markup(shop: Shop, value: str) -> None:
    placed = shop.place()

    answer = shop.get(f"/orders/{placed.token}?from={value}")

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


# Who may see it


def test_the_page_is_kept_by_nobody_and_found_by_no_search(shop: Shop) -> None:
    placed = shop.place()

    for path in (f"/orders/{placed.token}", f"/orders/{placed.token}/status"):
        answer = shop.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "same-origin"


TOKENS: dict[str, Callable[[Placed], str]] = {
    "made up": lambda _: "A" * 43,
    "short": lambda _: "1",
    "cut": lambda placed: placed.token[:-1],
    "longer": lambda placed: placed.token + "A",
    "in capitals": lambda placed: placed.token.upper(),
    "in small letters": lambda placed: placed.token.lower(),
    "with NUL": lambda placed: placed.token + "%00",
    "with a blank": lambda placed: placed.token + "%20",
    "beyond ASCII": lambda placed: placed.token + "%C3%A9",
    "not UTF-8": lambda placed: placed.token + "%FF",
    "ten kilobytes": lambda _: "A" * 10_240,
    "the order's number": lambda placed: str(placed.answer["number"]),
    "the order's id": lambda placed: placed.id,
    "the session's id": lambda placed: placed.session_id,
    "SQL": lambda _: "'%20OR%201=1%20--",
    "a wildcard": lambda _: "%25",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_a_token_that_is_not_whole_is_one_and_the_same_404(
    shop: Shop, token: Callable[[Placed], str]
) -> None:
    placed = shop.place()
    for rest in ("", "/status"):
        usual = shop.get(f"/orders/{'x' * 43}{rest}")
        answer = shop.get(f"/orders/{token(placed)}{rest}")

        assert answer.status_code == usual.status_code == 404
        both = (usual, answer)
        bodies = {one.text.replace(one.headers["X-Request-Id"], "") for one in both}
        assert len(bodies) == 1
        assert set(answer.headers) == set(usual.headers)
        for secret in (*CUSTOMER.values(), placed.answer["number"]):
            assert secret not in answer.text


def test_the_token_is_not_logged(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = open_shop()
    placed = shop.place()
    page(shop, placed)
    shop.get(f"/orders/{placed.token}x")

    told = capsys.readouterr()
    assert "/orders/<token>" in told.out
    assert placed.token not in told.out + told.err
    assert CUSTOMER["email"] not in told.out + told.err


# How it follows the order


def test_a_poll_brings_nothing_while_nothing_is_new(shop: Shop) -> None:
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found
    address, every = found

    answer = polled(shop, address)

    assert every == 2
    assert answer.status_code == 204
    assert answer.content == b""


def test_a_poll_that_brings_nothing_costs_no_statement_of_the_orm(shop: Shop) -> None:
    found = trigger(page(shop, shop.place(), **{"from": "payment"}).text)
    assert found
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        polled(shop, found[0])
        assert asked == []
        page(shop, shop.place())
        assert asked != []
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_poll_that_brings_nothing_leaves_its_line_in_the_log(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = open_shop()
    found = trigger(page(shop, shop.place(), **{"from": "payment"}).text)
    assert found

    polled(shop, found[0])

    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["route"], last["status"]) == ("/orders/<token>/status", 204)


def test_a_poll_without_a_database_is_told_to_come_again(shop: Shop) -> None:
    found = trigger(page(shop, shop.place(), **{"from": "payment"}).text)
    assert found
    away = create_app(read_settings(environment("postgresql://nobody@127.0.0.1:9/no")))

    assert away.test_client().get(found[0]).status_code == 503


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (pay_by_events, "received"),
        (fail_later, "No money was taken"),
        (expire, "Nothing was charged"),
    ],
)
def test_a_poll_brings_the_end_and_ends_the_polling(
    shop: Shop, deed: Deed, words: str
) -> None:
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found
    deed(shop, placed)

    answer = polled(shop, found[0])

    assert answer.status_code == 200
    assert words in region(answer.text)
    assert trigger(answer.text) is None
    assert "hx-trigger" not in answer.text
    assert "<html" not in answer.text


def test_a_poll_says_when_the_bank_takes_over_and_stops(shop: Shop) -> None:
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found
    tell(shop, DONE, complete_session(shop, placed, **UNPAID))

    answer = polled(shop, found[0])

    assert "bank" in region(answer.text)
    assert trigger(answer.text) is None


def since(address: str, age: int) -> str:
    """Give the address as a page has it that was opened so many seconds ago."""
    return re.sub(r"since=\d+", f"since={int(time.time()) - age}", address)


@pytest.mark.parametrize(("age", "every"), [(35, 5), (95, 15), (185, None)])
def test_polling_slows_down_and_ends(shop: Shop, age: int, every: int | None) -> None:
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found

    answer = polled(shop, since(found[0], age))

    assert answer.status_code == 200
    slower = trigger(answer.text)
    assert (slower[1] if slower else None) == every
    if slower:
        assert polled(shop, slower[0]).status_code == 204


def test_a_page_that_has_stopped_asking_offers_to_look_again(shop: Shop) -> None:
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found

    html = polled(shop, since(found[0], 185)).text

    assert f"/orders/{placed.token}?" in unescape(html)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "since=&every=",
        "since=x&every=y",
        "since=-1&every=2",
        "since=99999999999999999999&every=2",
        "since=" + "9" * 5000,
        "since=٣",
        "since=%00&every=%00&from=%00",
    ],
)
def test_an_odd_poll_is_answered_with_the_region(shop: Shop, query: str) -> None:
    placed = shop.place()

    answer = shop.get(f"/orders/{placed.token}/status?{query}")

    assert answer.status_code == 200
    assert 'id="status"' in answer.text


def let_pause_pass(shop: Shop) -> None:
    """Have Stripe not been asked for a while, by the database's clock."""
    shop.rows("UPDATE checkout_attempts SET asked_at = asked_at - interval '1 minute'")


@pytest.mark.long
@pytest.mark.timeout(60 + 15 * RECOVERIES)
def test_an_open_page_heals_a_lost_webhook_within_ten_seconds(
    shop: Shop, figure: Figure
) -> None:
    """Row 11: while somebody looks."""
    shop.emulator.drop_webhooks()
    worst = max(seconds_to_heal(shop) for _ in range(RECOVERIES))
    figure(f"{WORST} until a lost webhook heals, page open", worst)


def seconds_to_heal(shop: Shop) -> float:
    """Pay while the page is open and nothing tells of it; give how long that lasts."""
    placed = shop.place()
    found = trigger(page(shop, placed, **{"from": "payment"}).text)
    assert found
    address, every = found
    began = time.monotonic()
    shop.emulator.pay(placed.session_id)

    while (answer := polled(shop, address)).status_code == 204:
        assert time.monotonic() - began < 10
        time.sleep(every)

    seconds = time.monotonic() - began
    assert "received" in region(answer.text)
    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]
    return seconds


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("delayed", "pending"), ("delayed_succeeds", "paid"), ("delayed_fails", "failed")],
)
def test_opening_the_page_heals_lost_news_of_a_delayed_payment(
    shop: Shop, outcome: str, status: str
) -> None:
    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id, outcome)
    let_pause_pass(shop)

    page(shop, placed)

    assert shop.order(placed.id)["status"] == status


def test_opening_the_page_heals_the_lost_news_of_an_expired_session(
    shop: Shop,
) -> None:
    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.expire(placed.session_id)
    let_pause_pass(shop)

    page(shop, placed)

    assert shop.order(placed.id)["status"] == "canceled"


def questions(shop: Shop) -> int:
    """Say how often Stripe was asked since `count_questions`."""
    (fault,) = shop.emulator.ledger()["faults"]
    return 1000 - int(fault["times"])


def count_questions(shop: Shop) -> None:
    shop.emulator.be_slow(0, times=1000, **ASK)


def test_however_many_look_stripe_is_asked_once_in_a_while(shop: Shop) -> None:
    placed = shop.place()
    let_pause_pass(shop)
    count_questions(shop)

    for _ in range(12):
        page(shop, placed)
        shop.get(f"/orders/{placed.token}/status")
    assert questions(shop) == 1

    let_pause_pass(shop)
    page(shop, placed)
    assert questions(shop) == 2


def test_stripe_is_not_asked_about_what_is_settled(shop: Shop) -> None:
    placed = shop.place()
    pay_by_events(shop, placed)
    let_pause_pass(shop)
    count_questions(shop)

    page(shop, placed)

    assert questions(shop) == 0


def test_while_stripe_fails_the_page_shows_what_is_known(shop: Shop) -> None:
    placed = shop.place()
    let_pause_pass(shop)
    shop.emulator.fail(503)

    assert "confirming" in page(shop, placed, **{"from": "payment"}).text


def test_while_stripe_is_silent_the_page_does_not_wait_for_it(shop: Shop) -> None:
    placed = shop.place()
    let_pause_pass(shop)
    shop.emulator.be_slow(9000, **ASK)
    began = time.monotonic()

    assert "confirming" in page(shop, placed, **{"from": "payment"}).text

    assert time.monotonic() - began < 7
    assert shop.order(placed.id)["status"] == "pending"


# Paying it again


def pay(
    shop: Shop, placed: Placed, token: str | None = None, **headers: str
) -> requests.Response:
    """Press the button that leads to the payment page."""
    form = shop.get("/checkout?service_id=three-readings").text
    found = re.search(r'name="csrf_token" value="([^"]*)"', form)
    assert found
    return shop.post(
        f"/orders/{token or placed.token}/pay",
        data={"csrf_token": found[1]},
        headers=headers,
    )


def sessions(shop: Shop, status: str) -> list[JsonObject]:
    """Give the sessions at Stripe of that status."""
    every: list[JsonObject] = shop.emulator.ledger()["sessions"]
    return [session for session in every if session["status"] == status]


def test_the_button_of_an_open_order_leads_to_its_payment_page(shop: Shop) -> None:
    placed = shop.place()
    assert f'action="/orders/{placed.token}/pay"' in page(shop, placed).text

    answer = pay(shop, placed)

    assert answer.status_code == 303
    assert answer.headers["Location"] == placed.answer["checkout_url"]
    assert len(sessions(shop, "open")) == 1


AGAIN: dict[str, tuple[Deed, str]] = {
    "canceled": (expire, "canceled"),
    "failed": (lambda shop, placed: shop.pay(placed, "delayed_fails"), "failed"),
}


@pytest.mark.parametrize(("deed", "status"), AGAIN.values(), ids=AGAIN.keys())
def test_an_order_that_came_to_nothing_can_be_paid_by_a_new_attempt(
    shop: Shop, deed: Deed, status: str
) -> None:
    placed = shop.place()
    deed(shop, placed)
    assert shop.order(placed.id)["status"] == status
    assert f'action="/orders/{placed.token}/pay"' in page(shop, placed).text

    answer = pay(shop, placed)

    assert answer.status_code == 303
    (session,) = sessions(shop, "open")
    assert answer.headers["Location"] == session["url"]
    assert session["client_reference_id"] == placed.id
    assert session["amount_total"] == 8000
    assert session["id"] != placed.session_id
    assert shop.order(placed.id)["status"] == "pending"
    row = shop.row("SELECT * FROM orders")
    assert row["provider_session_id"] == session["id"]
    assert row["expires_at"].timestamp() > time.time()
    assert shop.history(placed.id) == ["created", status, "created"]

    shop.emulator.pay(session["id"])
    shop.emulator.wait()
    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", status, "created", "paid"]


def test_the_new_attempt_is_named_in_the_history(shop: Shop) -> None:
    placed = shop.place()
    expire(shop, placed)
    pay(shop, placed)

    rows = shop.rows(
        "SELECT event_metadata FROM order_events WHERE event_type = 'created'"
        " ORDER BY sequence"
    )
    assert [row["event_metadata"]["attempt"] for row in rows] == [1, 2]


def test_pressing_again_leads_to_the_same_new_page(shop: Shop) -> None:
    placed = shop.place()
    expire(shop, placed)

    first, second = pay(shop, placed), pay(shop, placed)

    assert first.headers["Location"] == second.headers["Location"]
    assert len(sessions(shop, "open")) == 1


def test_a_session_that_expired_unheard_makes_room_for_a_new_one(shop: Shop) -> None:
    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.expire(placed.session_id)

    answer = pay(shop, placed)

    assert answer.status_code == 303
    (session,) = sessions(shop, "open")
    assert answer.headers["Location"] == session["url"]


def test_a_price_changed_meanwhile_does_not_change_the_order(shop: Shop) -> None:
    placed = shop.place()
    expire(shop, placed)
    shop.rows(
        "UPDATE products SET unit_amount = 1, is_active = false WHERE id = %s", READING
    )

    pay(shop, placed)

    (session,) = sessions(shop, "open")
    assert session["amount_total"] == 8000


PAID: dict[str, Deed] = {
    "paid": pay_by_events,
    "refunded": lambda shop, placed: refund(shop, placed, 8000),
    "partly refunded": lambda shop, placed: refund(shop, placed, 100),
    "at the bank": lambda shop, placed: tell(
        shop, DONE, complete_session(shop, placed, **UNPAID)
    ),
    "paid in another amount": lambda shop, placed: tell(
        shop, DONE, complete_session(shop, placed, amount_total=1)
    ),
}


@pytest.mark.parametrize("deed", PAID.values(), ids=PAID.keys())
def test_what_is_paid_or_on_its_way_is_not_paid_twice(shop: Shop, deed: Deed) -> None:
    placed = shop.place()
    deed(shop, placed)
    before = row_counts(shop)

    answer = pay(shop, placed)

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/orders/{placed.token}"
    assert row_counts(shop) == before
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_an_order_paid_unheard_is_found_paid_and_not_paid_twice(shop: Shop) -> None:
    placed = shop.place()
    shop.emulator.drop_webhooks()
    shop.emulator.pay(placed.session_id)

    answer = pay(shop, placed)

    assert answer.headers["Location"] == f"/orders/{placed.token}"
    assert shop.order(placed.id)["status"] == "paid"
    assert len(shop.emulator.ledger()["sessions"]) == 1


def test_htmx_is_told_to_leave(shop: Shop) -> None:
    placed = shop.place()

    answer = pay(shop, placed, **{"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == placed.answer["checkout_url"]


@pytest.mark.parametrize("status", [500, 429])
def test_while_stripe_is_down_the_button_leads_to_a_page_that_offers_more(
    shop: Shop, status: int
) -> None:
    placed = shop.place()
    expire(shop, placed)
    shop.emulator.fail(status)
    began = time.monotonic()

    answer = pay(shop, placed)

    assert time.monotonic() - began < 12
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "try again" in answer.text
    assert "https://wa.me/" in answer.text.split("<main")[1].split("</main>")[0]
    assert placed.answer["number"] in answer.text

    shop.emulator.set_faults()
    assert pay(shop, placed).status_code == 303
    assert len(sessions(shop, "open")) == 1
    assert shop.history(placed.id) == ["created", "canceled", "created"]


def test_the_button_needs_our_token(shop: Shop) -> None:
    placed = shop.place()
    expire(shop, placed)
    before = row_counts(shop)

    answer = shop.post(f"/orders/{placed.token}/pay")

    assert answer.status_code == 400
    assert row_counts(shop) == before


def test_the_button_of_another_site_does_nothing(shop: Shop) -> None:
    placed = shop.place()
    expire(shop, placed)
    before = row_counts(shop)

    answer = pay(shop, placed, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert row_counts(shop) == before


@pytest.mark.parametrize("token", ["x" * 43, "%00", "%C3%A9", "%FF", "x" * 5000])
def test_an_unknown_order_cannot_be_paid(shop: Shop, token: str) -> None:
    placed = shop.place()

    assert pay(shop, placed, token).status_code == 404


def test_looking_at_the_button_with_get_is_405(shop: Shop) -> None:
    placed = shop.place()

    answer = shop.get(f"/orders/{placed.token}/pay")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_session_that_stripe_does_not_know_makes_room_and_is_told_to_the_owner(
    shop: Shop,
) -> None:
    placed = shop.place()
    for table in ("orders", "checkout_attempts"):
        shop.rows(f"UPDATE {table} SET provider_session_id = 'cs_test_gone'")  # noqa: S608

    answer = pay(shop, placed)

    assert answer.status_code == 303
    assert shop.row("SELECT * FROM matters")["subject"] == "cs_test_gone"
    assert session_of(shop, placed)["status"] == "open"
