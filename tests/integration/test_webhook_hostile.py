"""What nobody we trust has signed is refused; what is signed but odd does no harm."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.factories.events import (
    WEBHOOKS,
    JsonObject,
    announce,
    complete_session,
    deliver,
    event,
    outcome_of,
    payment_of,
    problem_of,
    refund_of,
    row_counts,
    send,
    sign,
)
from tests.fixtures.shop import WEBHOOK_SECRET, OpenShop, Placed, Shop

Signer = Callable[[bytes], str | bytes | None]
Change = Callable[[JsonObject], Any]


def now() -> int:
    return int(time.time())


def paid_body(shop: Shop, placed: Placed) -> bytes:
    told = event("checkout.session.completed", complete_session(shop, placed))
    return json.dumps(told).encode()


SIGNATURES: dict[str, Signer] = {
    "none": lambda _: None,
    "empty": lambda _: "",
    "a time alone": lambda _: f"t={now()}",
    "a signature alone": lambda body: sign(body).split(",")[1],
    "garbage": lambda _: "garbage,=,,t,v1==;",
    "eight kilobytes": lambda _: f"t={now()},v1=" + "a" * 8192,
    "not ASCII": lambda _: f"t={now()},v1=é".encode(),
    "the empty secret": lambda body: sign(body, secret=""),
    "another secret": lambda body: sign(body, secret="whsec_test_secret"),
    "the API key": lambda body: sign(body, secret="sk_test_of_the_tests"),
    "the secret without prefix": lambda body: sign(
        body, secret=WEBHOOK_SECRET.removeprefix("whsec_")
    ),
    "scheme v0 alone": lambda body: sign(body).replace("v1=", "v0="),
    "301 seconds old": lambda body: sign(body, at=now() - 301),
    "ten minutes ahead": lambda body: sign(body, at=now() + 600),
    "of the year 9999": lambda body: sign(body, at=253_370_764_800),
    "of a negative time": lambda body: sign(body, at=-5),
    "of two times": lambda body: f"t=1,{sign(body)}",
    "of two times, the right one first": lambda body: f"{sign(body)},t=1",
    "in other digits": lambda body: (
        sign(body).translate({ord(str(n)): chr(0x660 + n) for n in range(10)}).encode()
    ),
    "with more after the time": lambda body: sign(body).replace(",", "=x,", 1),
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_bad_signature_is_refused_and_nothing_written(
    shop: Shop, signature: Signer
) -> None:
    body = paid_body(shop, shop.place())
    before = row_counts(shop)

    answer = send(shop, body, signature(body))

    problem_of(answer, 400)
    assert row_counts(shop) == before


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "one byte": lambda body: body.replace(b"8000", b"8001", 1),
    "other spacing": lambda body: json.dumps(json.loads(body), indent=1).encode(),
    "a line more": lambda body: body + b"\n",
    "a byte less": lambda body: body[:-1],
    "nothing left": lambda _: b"",
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_body_changed_after_signing_is_refused(
    shop: Shop, tamper: Callable[[bytes], bytes]
) -> None:
    body = paid_body(shop, shop.place())
    before = row_counts(shop)

    problem_of(send(shop, tamper(body), sign(body)), 400)

    assert row_counts(shop) == before


NO_EVENTS = {
    "invalid UTF-8": b'{"id": "evt_\xff", "type": "x"}',
    "UTF-16": '{"id": "evt_1", "type": "x"}'.encode("utf-16"),
    "empty": b"",
    "cut": b'{"id": "evt_1"',
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"evt_1"',
    "an empty object": b"{}",
    "no id": b'{"object": "event", "type": "charge.refunded"}',
    "a number as id": b'{"id": 7, "object": "event", "type": "charge.refunded"}',
    "an empty id": b'{"id": "", "object": "event", "type": "charge.refunded"}',
    "NUL in the id": b'{"id": "evt_\\u0000", "object": "event", "type": "x"}',
    "300 characters of id": b'{"id": "%s", "type": "x"}' % (b"e" * 300),
    "no type": b'{"id": "evt_1", "object": "event"}',
    "a list as type": b'{"id": "evt_1", "object": "event", "type": []}',
    "a thin event": b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.x"}',
    "nested too deep": b'{"id": "evt_1", "type": "x", "data": %s}' % (b"[" * 50_000),
    "a number of 5,000 digits": b'{"id": "evt_1", "type": "x", "n": %s}'
    % (b"9" * 5000),
}


@pytest.mark.parametrize("body", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_a_signed_body_that_is_no_event_is_refused_and_nothing_written(
    shop: Shop, body: bytes
) -> None:
    before = row_counts(shop)

    problem_of(send(shop, body, sign(body)), 400)

    assert row_counts(shop) == before


def without(name: str) -> Change:
    return lambda thing: {key: thing[key] for key in thing if key != name}


def having(**members: Any) -> Change:
    return lambda thing: {**thing, **members}


ODD_SESSIONS: dict[str, Change] = {
    "no id": without("id"),
    "a number as id": having(id=7),
    "a list as id": having(id=[]),
    "no amount": without("amount_total"),
    "a text as amount": having(amount_total="8000"),
    "null as amount": having(amount_total=None),
    "a fraction as amount": having(amount_total=8000.0),
    "true as amount": having(amount_total=True),
    "a negative amount": having(amount_total=-8000),
    "an enormous amount": having(amount_total=2**63),
    "no currency": having(currency=None),
    "an unknown currency": having(currency="xxq"),
    "no status": without("status"),
    "an unknown status": having(status="thinking"),
    "NUL in a text": having(customer_email="a\x00b@example.com"),
    "half a surrogate": having(customer_email="\ud800"),
    "not a number": having(amount_discount=float("nan")),
    "a text in its place": lambda _: "cs_test_1",
    "a list in its place": lambda thing: [thing],
    "null in its place": lambda _: None,
    "nothing in it": lambda _: {},
}


@pytest.mark.parametrize("change", ODD_SESSIONS.values(), ids=ODD_SESSIONS.keys())
def test_a_signed_event_about_an_unusable_object_is_kept_and_does_nothing(
    shop: Shop, change: Change
) -> None:
    placed = shop.place()
    told = event("checkout.session.completed", change(complete_session(shop, placed)))
    before = row_counts(shop)

    answer = deliver(shop, told)

    assert answer.status_code == 200, answer.text
    assert outcome_of(shop, told) == "unusable"
    assert shop.order(placed.id)["status"] == "pending"
    assert row_counts(shop) == {**before, "stripe_events": before["stripe_events"] + 1}


@pytest.mark.parametrize("data", [None, {}, [], "x", 1, {"object": None}])
def test_an_event_without_data_is_kept_and_does_nothing(shop: Shop, data: Any) -> None:
    told = event("checkout.session.completed", None, data=data)

    assert deliver(shop, told).status_code == 200
    assert outcome_of(shop, told) == "unusable"


def test_an_event_nested_as_deep_as_json_goes_never_ends_in_a_500(shop: Shop) -> None:
    statuses = set()
    for depth in (400, 700, 800, 850, 900, 920, 940, 960, 980, 1000, 2000):
        inside = b"[" * depth + b"]" * depth
        body = b'{"id": "evt_%d", "type": "x", "data": %s}' % (depth, inside)
        statuses.add(send(shop, body, sign(body)).status_code)
    assert statuses <= {200, 400}


WITHOUT_EFFECT: dict[str, Callable[[JsonObject], JsonObject]] = {
    "an unknown type": lambda thing: event("customer.created", thing),
    "a type of the future": lambda thing: event("checkout.session.reborn", thing),
    "live mode": lambda thing: event(
        "checkout.session.completed", thing, livemode=True
    ),
    "a connected account": lambda thing: event(
        "checkout.session.completed", thing, account="acct_1"
    ),
    "a session without our mark": lambda thing: event(
        "checkout.session.completed",
        {**thing, "id": "cs_test_f", "metadata": {}, "client_reference_id": None},
    ),
    "a session without metadata": lambda thing: event(
        "checkout.session.completed",
        {**thing, "id": "cs_test_f", "metadata": None, "client_reference_id": "7"},
    ),
    "a session of another shop": lambda thing: event(
        "checkout.session.completed",
        {
            **thing,
            "id": "cs_test_f",
            "client_reference_id": None,
            "metadata": {**thing["metadata"], "storefront": "https://other.example"},
        },
    ),
    "a payment of somebody else": lambda _: event(
        "payment_intent.succeeded",
        {"id": "pi_f", "amount_received": 8000, "currency": "eur", "metadata": {}},
    ),
    "a declined card of somebody else": lambda _: event(
        "payment_intent.payment_failed", {"id": "pi_f", "metadata": {}}
    ),
    "a refunded charge of somebody else": lambda _: event(
        "charge.refunded", {"id": "ch_f", "payment_intent": "pi_f", "metadata": {}}
    ),
    "a refunded charge without a payment": lambda _: event(
        "charge.refunded", {"id": "ch_f", "payment_intent": None}
    ),
    "a refund without a payment": lambda _: event(
        "refund.created", {"id": "re_f", "payment_intent": None}
    ),
}


@pytest.mark.parametrize("tale", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT.keys())
def test_what_does_not_concern_us_is_answered_200_and_changes_nothing(
    shop: Shop, tale: Callable[[JsonObject], JsonObject]
) -> None:
    """Rows 8 and 10: other types, shops, accounts and modes."""
    placed = shop.place()
    told = tale(complete_session(shop, placed))
    before = row_counts(shop)

    assert deliver(shop, told).status_code == 200

    assert outcome_of(shop, told) == "ignored"
    assert shop.order(placed.id)["status"] == "pending"
    assert row_counts(shop) == {**before, "stripe_events": before["stripe_events"] + 1}


def test_a_foreign_session_of_another_mode_is_not_ours_rather_than_unusable(
    shop: Shop,
) -> None:
    bare: JsonObject = {
        "id": "cs_test_setup",
        "object": "checkout.session",
        "mode": "setup",
        "amount_total": None,
        "currency": None,
        "metadata": {},
        "payment_status": "no_payment_required",
        "status": "complete",
    }
    told = event("checkout.session.completed", bare)

    assert deliver(shop, told).status_code == 200
    assert outcome_of(shop, told) == "ignored"


def test_a_refund_of_an_unknown_payment_is_kept_for_later(shop: Shop) -> None:
    placed = shop.place()
    refund = refund_of(placed, 8000)

    assert deliver(shop, event("refund.created", refund)).status_code == 200

    assert shop.row("SELECT * FROM refunds")["provider_refund_id"] == refund["id"]
    assert shop.order(placed.id)["amount_refunded"] == 0


def copy_order(shop: Shop, placed: Placed, order_id: str, attempt_id: str) -> None:
    """Make another order like this one, as if it had been committed just now."""
    shop.rows(
        "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'id', %s, 'number', 'COPY', 'page_token', 'copy',"
        "'provider_session_id', null))).* FROM orders o WHERE id = %s",
        order_id,
        placed.id,
    )
    shop.rows(
        "INSERT INTO checkout_attempts SELECT (jsonb_populate_record(a,"
        " jsonb_build_object('id', %s, 'order_id', %s, 'idempotency_key', 'copy',"
        "'provider_session_id', null))).* FROM checkout_attempts a"
        " WHERE order_id = %s",
        attempt_id,
        order_id,
        placed.id,
    )


def test_news_of_an_order_that_is_not_here_yet_is_wanted_again_and_then_applies(
    shop: Shop,
) -> None:
    placed = shop.place()
    order_id, attempt_id = str(uuid4()), str(uuid4())
    session = complete_session(shop, placed, id="cs_test_of_the_future")
    session["client_reference_id"] = order_id
    session["metadata"] |= {"order_id": order_id, "attempt_id": attempt_id}
    told = event("checkout.session.completed", session)

    refused = deliver(shop, told)
    problem_of(refused, 503)
    assert refused.headers["Retry-After"] == "60"
    assert outcome_of(shop, told) is None

    copy_order(shop, placed, order_id, attempt_id)
    assert deliver(shop, told).status_code == 200
    assert shop.order(order_id)["status"] == "paid"
    assert outcome_of(shop, told) == "applied"
    assert shop.order(placed.id)["status"] == "pending"


def test_a_payment_of_an_order_that_is_not_here_yet_is_wanted_again(
    shop: Shop,
) -> None:
    payment = payment_of(shop, shop.place())
    payment["metadata"] |= {"order_id": str(uuid4())}

    problem_of(deliver(shop, event("payment_intent.succeeded", payment)), 503)


def test_a_delivery_repeated_within_the_tolerance_has_no_second_effect(
    shop: Shop,
) -> None:
    placed = shop.place()
    body = paid_body(shop, placed)
    signature = sign(body, at=now() - 200)
    assert send(shop, body, signature).status_code == 200
    before = row_counts(shop)

    assert send(shop, body, signature).status_code == 200

    assert row_counts(shop) == before
    assert shop.history(placed.id) == ["created", "paid"]


def test_the_right_signature_counts_wherever_it_stands_among_a_hundred(
    shop: Shop,
) -> None:
    placed = shop.place()
    body = paid_body(shop, placed)
    stamp, signature = sign(body).split(",")
    wrong = ",".join(f"v1={n:064x}" for n in range(99))

    assert send(shop, body, f"{stamp},{wrong},{signature}").status_code == 200
    assert shop.order(placed.id)["status"] == "paid"


def test_each_of_several_secrets_verifies_and_no_other(open_shop: OpenShop) -> None:
    """Row 14: old and new one together, while it is rolled."""
    shop = open_shop(STRIPE_WEBHOOK_SECRET="whsec_new, whsec_old")
    body = json.dumps(event("customer.created", {})).encode()

    assert send(shop, body, sign(body, secret="whsec_new")).status_code == 200
    assert send(shop, body, sign(body, secret="whsec_old")).status_code == 200
    problem_of(send(shop, body, sign(body, secret="whsec_new, whsec_old")), 400)
    problem_of(send(shop, body, sign(body, secret="whsec_older")), 400)


def test_a_body_above_the_limit_is_refused_before_it_is_read(shop: Shop) -> None:
    before = row_counts(shop)

    answer = announce(shop, WEBHOOKS, 600_000, **{"Stripe-Signature": "t=1,v1=00"})

    problem_of(answer, 413)
    assert row_counts(shop) == before


def test_a_large_event_below_the_limit_is_taken(shop: Shop) -> None:
    told = event("customer.created", {"description": "x" * 400_000})

    assert deliver(shop, told).status_code == 200


def test_a_compressed_body_is_refused(shop: Shop) -> None:
    body = gzip.compress(paid_body(shop, shop.place()))
    before = row_counts(shop)

    answer = send(shop, body, sign(body), **{"Content-Encoding": "gzip"})

    assert answer.status_code in (400, 415)
    assert row_counts(shop) == before


def test_a_body_sent_in_chunks_is_taken(shop: Shop) -> None:
    placed = shop.place()
    body = paid_body(shop, placed)

    def chunks() -> Iterator[bytes]:
        yield body[:100]
        yield body[100:]

    answer = shop.post(
        WEBHOOKS, data=chunks(), headers={"Stripe-Signature": sign(body)}
    )

    assert answer.status_code == 200, answer.text
    assert shop.order(placed.id)["status"] == "paid"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_only_post_is_taken(shop: Shop, method: str) -> None:
    for path in (WEBHOOKS, WEBHOOKS + "/"):
        answer = shop.http.request(method, shop.url + path, allow_redirects=False)
        assert answer.status_code == 405
        assert "POST" in answer.headers["Allow"]


def test_the_address_with_a_slash_at_its_end_answers_without_a_redirect(
    shop: Shop,
) -> None:
    placed = shop.place()
    body = paid_body(shop, placed)

    answer = shop.post(
        WEBHOOKS + "/", data=body, headers={"Stripe-Signature": sign(body)}
    )

    assert answer.status_code == 200
    assert shop.order(placed.id)["status"] == "paid"


def test_cookies_are_neither_read_nor_set_and_no_csrf_token_is_asked(
    shop: Shop,
) -> None:
    body = json.dumps(event("customer.created", {})).encode()

    answer = send(shop, body, sign(body), Cookie="session=garbage; csrf_token=x")

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_the_answer_comes_at_once_because_stripe_is_not_asked(shop: Shop) -> None:
    placed = shop.place()
    body = paid_body(shop, placed)
    shop.emulator.be_slow(5000)
    began = time.monotonic()

    assert send(shop, body, sign(body)).status_code == 200

    assert time.monotonic() - began < 4
    assert shop.order(placed.id)["status"] == "paid"


def test_what_refused_bodies_hold_is_not_logged(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = open_shop()
    body = b'{"canary": "ana-canary@example.com"}'

    send(shop, body, "t=1,v1=deadbeefcanary")
    send(shop, body, sign(body))

    told = capsys.readouterr()
    assert "/api/webhooks/stripe" in told.out
    assert "canary" not in told.out + told.err
