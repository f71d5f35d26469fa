"""How the emulator reads requests: keys, encoding, parameters, errors."""

import base64
from typing import Any

import pytest
import requests
import stripe

from storefront.demo.stripe_emulator.decoding import nest, read_pairs
from storefront.demo.stripe_emulator.errors import ApiError
from tests.contract.conftest import NewSession, session_params
from tests.fixtures.emulator import EmulatorHand

SESSIONS = "/v1/checkout/sessions"


def refusal(answer: requests.Response) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_abc"])
def test_any_test_key_works(
    emulator: EmulatorHand, http: requests.Session, key: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = http.get(f"{emulator.url}/v1/balance", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"


def test_a_key_may_come_as_basic_user(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    answer = http.get(f"{emulator.url}/v1/balance", auth=("sk_test_1", ""))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer pk_test_1",
        "Bearer sk_live_1",
        "Bearer rk_live_1",
        "Bearer nonsense",
        "Basic %%%",
        "Basic " + base64.b64encode(b"\xff\xfe:").decode(),
        "Digest sk_test_1",
    ],
)
def test_other_keys_are_refused(
    emulator: EmulatorHand, http: requests.Session, header: str
) -> None:
    headers = {"Authorization": header}
    answer = http.get(f"{emulator.url}/v1/balance", headers=headers)
    assert answer.status_code == 401
    assert "sk_live_1" not in answer.text


def test_a_live_key_is_named_as_one(emulator: EmulatorHand) -> None:
    client = stripe.StripeClient(
        "sk_live_never", base_addresses={"api": emulator.url}, max_network_retries=0
    )
    with pytest.raises(stripe.AuthenticationError, match="no live keys"):
        client.v1.balance.retrieve()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/customers"), ("DELETE", "/v1/refunds"), ("POST", "/v1/charges")],
)
def test_unknown_routes_are_told_in_json(
    emulator: EmulatorHand, http: requests.Session, method: str, path: str
) -> None:
    answer = http.request(method, emulator.url + path, auth=("sk_test_1", ""))
    assert answer.status_code == 404
    assert refusal(answer)["type"] == "invalid_request_error"
    assert path in refusal(answer)["message"]


def test_json_bodies_are_refused(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    answer = http.post(
        emulator.url + SESSIONS, json={"mode": "payment"}, auth=("sk_test_1", "")
    )
    assert answer.status_code == 400
    assert "content type" in refusal(answer)["message"]


@pytest.mark.parametrize("body", [b"mode=%ff", b"mode=\xff", b"a=1&a[b]=2", b"[x]=1"])
def test_unreadable_forms_are_refused(
    emulator: EmulatorHand, http: requests.Session, body: bytes
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post(
        emulator.url + SESSIONS, data=body, headers=headers, auth=("sk_test_1", "")
    )
    assert answer.status_code == 400


def test_brackets_nest() -> None:
    pairs = read_pairs(b"a[b][0][c]=1&a[b][1][c]=%C3%A9+x&d[]=2&d[]=3&e=")
    assert nest(pairs) == {
        "a": {"b": {"0": {"c": "1"}, "1": {"c": "é x"}}},
        "d": {"0": "2", "1": "3"},
        "e": "",
    }


@pytest.mark.parametrize("body", [b"a[b=1", b"a[[b]]=1", b"=1", b"a[b]=1&a=2"])
def test_broken_names_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError):
        nest(read_pairs(body))


def with_line(**changes: Any) -> dict[str, Any]:
    params: dict[str, Any] = session_params()
    params["line_items"][0].update(changes)
    return params


def with_price(**changes: Any) -> dict[str, Any]:
    params: dict[str, Any] = session_params()
    params["line_items"][0]["price_data"].update(changes)
    return params


def without(name: str) -> dict[str, Any]:
    params: dict[str, Any] = session_params()
    del params[name]
    return params


UNKNOWN, MISSING = "parameter_unknown", "parameter_missing"
WHOLE = "parameter_invalid_integer"
REFUSED: list[tuple[dict[str, Any], str | None, str | None]] = [
    (session_params(payment_method_types=["card"]), UNKNOWN, "payment_method_types"),
    (session_params(paid=True), UNKNOWN, "paid"),
    (with_line(price_data={"colour": "x"}), UNKNOWN, None),
    (session_params(ui_mode="hosted"), None, "ui_mode"),
    (session_params(mode="subscription"), None, "mode"),
    (session_params(locale="xx"), None, "locale"),
    (session_params(discounts=[{"coupon": "x"}]), None, "discounts"),
    (session_params(automatic_tax={"enabled": True}), None, "automatic_tax[enabled]"),
    (session_params(automatic_tax={"liability": "x"}), MISSING, None),
    (session_params(expires_at="soon"), WHOLE, "expires_at"),
    (session_params(allow_promotion_codes="perhaps"), None, "allow_promotion_codes"),
    (session_params(client_reference_id="x" * 201), None, "client_reference_id"),
    (session_params(success_url="not a url"), "url_invalid", "success_url"),
    (session_params(cancel_url="ftp://x"), "url_invalid", "cancel_url"),
    (session_params(success_url="http://[x"), "url_invalid", "success_url"),
    (session_params(customer_email="ana"), "email_invalid", "customer_email"),
    (session_params(metadata={"k": "v" * 501}), None, "metadata[k]"),
    (session_params(metadata={"k" * 41: "v"}), None, "metadata"),
    (session_params(metadata={f"k{n}": "v" for n in range(51)}), None, "metadata"),
    (session_params(metadata="text"), None, "metadata"),
    (session_params(metadata={"k": {"deep": "1"}}), None, "metadata[k]"),
    (session_params(line_items="text"), None, "line_items"),
    (session_params(shipping_address_collection="text"), None, None),
    (session_params(allowed_payment_method_types=["paypal"]), None, None),
    (without("mode"), MISSING, "mode"),
    (without("success_url"), MISSING, "success_url"),
    (without("line_items"), MISSING, "line_items"),
    (with_line(quantity=""), MISSING, "line_items[0][quantity]"),
    (with_line(quantity=0), WHOLE, "line_items[0][quantity]"),
    (with_line(quantity="1.5"), WHOLE, "line_items[0][quantity]"),
    (with_line(price="price_1"), "resource_missing", "line_items[0][price]"),
    (with_line(price_data=""), MISSING, "line_items[0][price_data]"),
    (with_price(unit_amount=-1), WHOLE, "line_items[0][price_data][unit_amount]"),
    (with_price(unit_amount=""), MISSING, "line_items[0][price_data][unit_amount]"),
    (with_price(currency=""), MISSING, "line_items[0][price_data][currency]"),
    (with_price(currency="xyz"), None, "line_items[0][price_data][currency]"),
    (with_price(product_data={"description": "x"}), MISSING, None),
    (session_params(line_items=session_params()["line_items"] * 101), None, None),
    (session_params() | {"currency": "usd"}, None, None),
    (session_params(30), "amount_too_small", None),
    (session_params(100_000_000), "amount_too_large", None),
    (session_params(29, "gbp"), "amount_too_small", None),
    (session_params(49, "jpy"), "amount_too_small", None),
    (session_params(1001, "kwd"), None, "line_items[0][price_data][unit_amount]"),
    (session_params(150, "isk"), "invalid_charge_amount_no_decimal_compatible", None),
    (session_params(150, "ugx"), "invalid_charge_amount_no_decimal_compatible", None),
    (session_params(expand=["currency"]), None, "expand"),
    (session_params(expand=["a.b.c.d.e"]), None, "expand[0]"),
]


@pytest.mark.parametrize(("params", "code", "param"), REFUSED)
def test_what_stripe_refuses_is_refused(
    client: stripe.StripeClient, params: Any, code: str | None, param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(params)
    assert caught.value.http_status == 400
    if code:
        assert caught.value.code == code
    if param:
        assert caught.value.param == param


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (50, "eur"),
        (30, "gbp"),
        (50, "jpy"),
        (1000, "kwd"),
        (500, "isk"),
        (99999999, "usd"),
    ],
)
def test_what_stripe_takes_is_taken(
    new_session: NewSession, amount: int, currency: str
) -> None:
    session = new_session(amount, currency)
    assert (session.amount_total, session.currency) == (amount, currency)


def test_empty_strings_mean_unset(new_session: NewSession) -> None:
    session = new_session(cancel_url="", metadata={"kept": "1", "gone": ""})
    assert session.cancel_url is None
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"kept": "1"}


def test_what_is_switched_off_may_be_said(new_session: NewSession) -> None:
    session = new_session(
        adaptive_pricing={"enabled": False},
        automatic_tax={"enabled": False},
        allow_promotion_codes=False,
        invoice_creation={"enabled": False},
        after_expiration={"recovery": {"enabled": False}},
        phone_number_collection={"enabled": False},
        submit_type="pay",
        locale="es",
        custom_text={"submit": {"message": "Thank you"}},
    )
    assert (session.locale, session.submit_type) == ("es", "pay")
    assert session.custom_text.submit is not None
    assert session.custom_text.submit.message == "Thank you"


def test_huge_bodies_are_refused(
    emulator: EmulatorHand, http: requests.Session
) -> None:
    form = {"metadata[k]": "v" * 2_000_001}
    answer = http.post(emulator.url + SESSIONS, form, auth=("sk_test_1", ""))
    assert answer.status_code == 413
    assert refusal(answer)["type"] == "invalid_request_error"
