"""What Stripe is asked for: a request that its own description allows."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from babel import localedata
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from storefront.gateway.errors import AmountNotPayable
from storefront.gateway.parameters import Line, SessionRequest, session_parameters
from storefront.gateway.reading import read_mark
from tests.contract.description import load_description

DESCRIPTION = load_description()
FOUND = DESCRIPTION.find_operation("post", "/v1/checkout/sessions")
ORDER = UUID("0b4d8a06-4b67-4d0c-9d0e-9d6f6c3f9a11")
ATTEMPT = UUID("51c7f5c1-3e0f-4f2d-8a59-0d0d3a4c2b22")
ALMANAC = Line("almanac-2027", "Almanac", 2400, 1)
REQUEST = SessionRequest(
    shop="https://luna.example",
    order_id=ORDER,
    number="ABC2345",
    attempt_id=ATTEMPT,
    lines=[Line("reading", "Birth chart reading", 8000, 2), ALMANAC],
    currency="EUR",
    email="ana@example.com",
    locale="en",
    order_url="https://luna.example/orders/token",
    expires_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    shipping_countries=[],
)


def faults(request: SessionRequest) -> list[str]:
    """Say what Stripe's description does not allow, as the SDK would send it."""
    assert FOUND is not None
    sent = urlencode(list(_api_encode(session_parameters(request))))
    return DESCRIPTION.request_faults(*FOUND, sent)


def test_the_description_is_strict_enough_to_tell() -> None:
    assert FOUND is not None
    assert DESCRIPTION.request_faults(*FOUND, "ui_mode=hosted")
    assert DESCRIPTION.request_faults(*FOUND, "payment_method_types[0]=card")


def test_an_ordinary_request_fits_the_description() -> None:
    assert faults(REQUEST) == []


def test_a_request_with_shipping_fits_the_description() -> None:
    assert faults(replace(REQUEST, shipping_countries=["PT", "ES"])) == []


def test_every_language_a_shop_may_have_fits_the_description() -> None:
    # Stripe refuses a tag that it does not list: then nothing can be bought.
    names = {name.replace("_", "-") for name in localedata.locale_identifiers()}
    refused = [name for name in names if faults(replace(REQUEST, locale=name))]
    assert sorted(refused) == []


@pytest.mark.parametrize(
    ("locale", "shown"), [("en", "en"), ("pt-BR", "pt-BR"), ("es", "es"), ("de", "de")]
)
def test_a_language_that_stripe_speaks_is_asked_for(locale: str, shown: str) -> None:
    assert session_parameters(replace(REQUEST, locale=locale))["locale"] == shown


@given(
    st.lists(
        st.builds(
            Line,
            product_id=st.from_regex(r"[a-z0-9][a-z0-9-]{0,99}", fullmatch=True),
            name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            unit_amount=st.integers(1, 9_999_999),
            quantity=st.integers(1, 20),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["EUR", "JPY", "ISK", "HUF"]),
    st.lists(st.sampled_from(["PT", "ES", "US", "JP"]), unique=True),
)
def test_every_request_fits_the_description(
    lines: list[Line], currency: str, countries: list[str]
) -> None:
    request = replace(REQUEST, lines=lines, currency=currency)
    assert faults(replace(request, shipping_countries=countries)) == []


def test_stripe_chooses_the_methods_and_the_page() -> None:
    parameters = session_parameters(REQUEST)
    assert not {"payment_method_types", "ui_mode"} & set(parameters)


def test_nothing_changes_what_is_paid() -> None:
    parameters = session_parameters(replace(REQUEST, shipping_countries=["PT"]))
    assert not {
        "allow_promotion_codes",
        "discounts",
        "automatic_tax",
        "shipping_options",
        "adaptive_pricing",
        "optional_items",
        "after_expiration",
    } & set(parameters)
    assert not any("adjustable_quantity" in line for line in parameters["line_items"])


def test_session_and_payment_both_bear_the_mark() -> None:
    parameters = session_parameters(REQUEST)
    mark = read_mark(parameters)
    assert mark is not None
    assert (mark.order_id, mark.attempt_id) == (ORDER, ATTEMPT)
    payment = read_mark(parameters["payment_intent_data"])
    assert payment is not None
    assert (payment.shop, payment.order_id) == (mark.shop, ORDER)
    assert payment.attempt_id == ATTEMPT
    assert parameters["client_reference_id"] == str(ORDER)


def test_the_mark_tells_nothing_of_the_customer() -> None:
    parameters = session_parameters(REQUEST)
    told = f"{parameters['metadata']}{parameters['payment_intent_data']}"
    assert REQUEST.email not in told
    assert "token" not in told


def test_the_session_tells_enough_to_write_a_lost_order_down_again() -> None:
    mark = read_mark(session_parameters(REQUEST))
    assert mark is not None
    assert mark.number == REQUEST.number
    assert mark.items == "reading*2*8000 almanac-2027*1*2400"


def test_long_texts_are_cut_to_what_stripe_holds() -> None:
    request = replace(
        REQUEST,
        shop="https://" + "x" * 900,
        lines=[Line("a" * 100, "x" * 6000, 100, 1)] * 100,
    )
    parameters = session_parameters(request)
    for metadata in (
        parameters["metadata"],
        parameters["payment_intent_data"]["metadata"],
    ):
        assert len(metadata) <= 50
        assert max(map(len, metadata)) <= 40
        assert max(map(len, metadata.values())) <= 500
    line, *_ = parameters["line_items"]
    assert len(line["price_data"]["product_data"]["name"]) <= 5000
    assert len(parameters["client_reference_id"]) <= 200


@pytest.mark.parametrize(
    ("amount", "currency", "wire"),
    [
        (9000, "JPY", 9000),
        (500, "ISK", 50000),
        (1230, "KWD", 1230),
        (500, "MGA", 5),
        (8000, "EUR", 8000),
    ],
)
def test_amounts_go_out_in_stripes_units(amount: int, currency: str, wire: int) -> None:
    request = replace(REQUEST, lines=[Line("a", "A", amount, 3)], currency=currency)
    (line,) = session_parameters(request)["line_items"]
    assert line["price_data"]["unit_amount"] == wire
    assert line["price_data"]["currency"] == currency.lower()
    assert line["quantity"] == 3


@pytest.mark.parametrize(("amount", "currency"), [(1235, "KWD"), (150, "MGA")])
def test_an_amount_that_stripe_cannot_express_is_refused(
    amount: int, currency: str
) -> None:
    with pytest.raises(AmountNotPayable):
        session_parameters(
            replace(REQUEST, lines=[Line("a", "A", amount, 2)], currency=currency)
        )


def test_the_deadline_is_whole_seconds_whatever_the_zone() -> None:
    parameters = session_parameters(
        replace(REQUEST, expires_at=datetime(2026, 11, 23, 12, 0, 0, 999999, UTC))
    )
    assert parameters["expires_at"] == 1795435200
    assert type(parameters["expires_at"]) is int


def test_both_ways_back_lead_to_the_order() -> None:
    parameters = session_parameters(REQUEST)
    for way in ("success_url", "cancel_url"):
        assert parameters[way].startswith(REQUEST.order_url + "?")


@pytest.mark.parametrize("countries", [[], ["PT"]])
def test_only_what_is_sent_by_post_asks_for_an_address(countries: list[str]) -> None:
    parameters: Any = session_parameters(replace(REQUEST, shipping_countries=countries))
    asked = parameters.get("shipping_address_collection", {"allowed_countries": []})
    assert asked == {"allowed_countries": countries}


def test_the_same_order_asks_for_the_same_whenever_it_is_asked() -> None:
    # Stripe refuses a key that comes again with other parameters.
    assert session_parameters(REQUEST) == session_parameters(replace(REQUEST))
