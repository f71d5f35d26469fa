"""Deliveries: nobody without our secret gets in, and nothing hostile crashes us."""

import hashlib
import hmac
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from storefront.gateway.errors import BodyUnusable, ClocksDiffer, SignatureInvalid
from storefront.gateway.signature import read_delivery

SECRET, OTHER = "whsec_ours", "whsec_rolled"
EVENT = {"id": "evt_1", "object": "event", "type": "charge.updated", "data": {}}
BODY = json.dumps(EVENT)


def sign(body: str = BODY, secret: str = SECRET, age: int = 0) -> str:
    """Sign as Stripe does, some seconds ago."""
    stamp = int(time.time()) - age
    return str(WebhookSignature.generate_signature_header(body, secret, stamp))


def read(header: str | None, body: str | bytes = BODY) -> dict[str, object]:
    """Read a delivery with our one secret."""
    raw = body.encode() if isinstance(body, str) else body
    return read_delivery(raw, header, (SECRET,))


def digest(stamp: object, body: bytes = BODY.encode(), secret: str = SECRET) -> str:
    """Sign these very bytes, whatever they are."""
    message = str(stamp).encode() + b"." + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


# Collected minutes before it may run: signed a little ahead, within the tolerance.
NOW = int(time.time()) + 200


# Headers


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        ",",
        "=",
        "t=",
        "v1=",
        "t=,v1=",
        "t={now}",
        "t={now},v1=",
        "v1={right}",
        "t=now,v1={right}",
        "t={now}{now}{now},v1={right}",
        "garbage",
        "t={now},v0={right}",
        "t={now},V1={right}",
        "t={now};v1={right}",
        "t={now},v1={right}\u00e9",
        "t={now},v1=\u0661\u0662",
        "t={now},v1={right}0",
        "t={now},v1= {right}",
    ],
)
def test_a_header_that_proves_nothing_is_refused(written: str | None) -> None:
    header = written and written.format(now=NOW, right=digest(NOW))
    with pytest.raises(SignatureInvalid):
        read(header)


@pytest.mark.parametrize("kind", ["x", "t=", "v1=", "t=9", "v1=a", ","])
def test_a_header_of_eight_kilobytes_is_refused(kind: str) -> None:
    with pytest.raises(SignatureInvalid):
        read(kind * (8192 // len(kind)))
    with pytest.raises(SignatureInvalid):
        read(f"t={'9' * 8192},v1={digest(NOW)}")


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_of_a_test", "sk_test_key", OTHER, SECRET.upper()]
)
def test_only_our_own_secret_counts(secret: str) -> None:
    with pytest.raises(SignatureInvalid):
        read(f"t={NOW},v1={digest(NOW, secret=secret)}")


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_nothing_is_believed(secrets: tuple[str, ...]) -> None:
    key = secrets[0] if secrets else ""
    header = f"t={NOW},v1={digest(NOW, secret=key)}"
    with pytest.raises(SignatureInvalid):
        read_delivery(BODY.encode(), header, secrets)


@pytest.mark.parametrize("age", [301, 3600, 10**9, 2 * 10**9, -400, -600])
def test_a_delivery_of_another_time_is_refused_and_says_by_how_much(age: int) -> None:
    """Row 36: who reads it knows which clock to look at."""
    with pytest.raises(ClocksDiffer, match=r"signed \d+ s (ago|in the future)"):
        read(sign(age=age))


def test_a_delivery_of_the_year_9999_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        read(f"t=253370764800,v1={digest(253370764800)}")


def test_two_timestamps_are_one_too_many() -> None:
    with pytest.raises(SignatureInvalid):
        read(f"t={NOW},t={NOW},v1={digest(NOW)}")


def test_the_first_of_two_timestamps_hides_no_old_one() -> None:
    old = NOW - 9999
    with pytest.raises(SignatureInvalid):
        read(f"t={old},t={NOW},v1={digest(old)},v1={digest(NOW)}")


def test_digits_of_other_scripts_are_no_timestamp() -> None:
    arabic = str(NOW).translate(
        dict(zip(range(48, 58), range(0x660, 0x66A), strict=True))
    )
    with pytest.raises(SignatureInvalid):
        read(f"t={arabic},v1={digest(NOW)}")


def test_a_timestamp_with_a_tail_is_refused_and_nothing_worse() -> None:
    with pytest.raises(SignatureInvalid):
        read(f"t={NOW}=1,v1={digest(NOW)}")


@given(st.text(max_size=200))
def test_any_header_at_all_is_refused_and_nothing_worse(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        read(header)


@given(st.lists(st.sampled_from(["t=", "v1=", ",", str(NOW), digest(NOW), "=", "-"])))
def test_any_mixture_of_a_header_is_refused_or_read_and_nothing_worse(
    parts: list[str],
) -> None:
    with suppress(SignatureInvalid):
        assert read("".join(parts)) == EVENT


# Bodies


@pytest.mark.parametrize(
    "changed",
    [
        BODY + " ",
        " " + BODY,
        BODY + "\n",
        BODY.replace("evt_1", "evt_2"),
        json.dumps(EVENT, indent=2),
        json.dumps(EVENT, separators=(",", ":")),
        json.dumps(dict(reversed(EVENT.items()))),
        "",
    ],
)
def test_another_body_than_the_signed_one_is_refused(changed: str) -> None:
    with pytest.raises(SignatureInvalid):
        read(sign(), changed)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_enough(place: int, by: int) -> None:
    raw = bytearray(BODY.encode())
    raw[place] ^= by
    with pytest.raises(SignatureInvalid):
        read(sign(), bytes(raw))


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b'{"id":"\xe9"}', b"\xed\xa0\x80", b"\x80"]
)
def test_a_signed_body_that_is_not_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises((SignatureInvalid, BodyUnusable)):
        read(f"t={NOW},v1={digest(NOW, raw)}", raw)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "null",
        "1",
        '"evt_1"',
        "{}",
        "{",
        "\ufeff" + BODY,
        '{"id": "evt_1"}',
        '{"type": "charge.updated"}',
        '{"id": null, "type": "charge.updated"}',
        '{"id": 1, "type": "charge.updated"}',
        '{"id": "", "type": "charge.updated"}',
        '{"id": "evt_1", "type": ["charge.updated"]}',
        '{"id": "evt_\\u0000", "type": "charge.updated"}',
        '{"id": "evt_\\ud800", "type": "charge.updated"}',
        '{"id": "evt_1", "type": "charge.updated", "object": "v2.core.event"}',
        '{"id": "evt_1", "type": "charge.updated", "object": "charge"}',
        '{"id": "evt_1", "type": "charge.updated", "object": null}',
        json.dumps({**EVENT, "id": "evt_" + "1" * 300}),
        json.dumps({**EVENT, "type": "x" * 5000}),
        "[" * 100_000,
        '{"id": "evt_1", "type": "x", "data": ' + "[" * 100_000,
        '{"id": "evt_1", "type": "x", "data": ' + "9" * 5000 + "}",
    ],
)
def test_a_signed_body_that_is_no_event_is_unusable(body: str) -> None:
    with pytest.raises(BodyUnusable):
        read(sign(body), body)


def test_no_refusal_repeats_the_body() -> None:
    body = '{"id": 1, "customer": "ana@example.com"}'
    with pytest.raises(BodyUnusable) as caught:
        read(sign(body), body)
    assert "ana" not in str(caught.value)


# What comes in


@pytest.mark.parametrize("age", [0, 60, 290, -60, -290])
def test_a_delivery_within_five_minutes_is_read(age: int) -> None:
    assert read(sign(age=age)) == EVENT


@pytest.mark.parametrize("used", [SECRET, OTHER])
def test_any_of_our_secrets_verifies_while_they_are_rolled(used: str) -> None:
    raw = BODY.encode()
    assert read_delivery(raw, sign(secret=used), (OTHER, SECRET)) == EVENT


def test_stripe_signs_with_both_while_it_rolls_its_own() -> None:
    header = f"t={NOW},v1={digest(NOW, secret='whsec_new')},v1={digest(NOW)}"
    assert read(header) == EVENT


def test_the_last_of_a_hundred_signatures_may_be_the_right_one() -> None:
    wrong = "".join(f",v1={number:064x}" for number in range(99))
    assert read(f"t={NOW}{wrong},v1={digest(NOW)}") == EVENT


def test_other_schemes_beside_ours_do_no_harm() -> None:
    assert read(f"t={NOW},v0=aa,v1={digest(NOW)},v2=bb") == EVENT


def test_a_delivery_that_comes_again_reads_the_same() -> None:
    header = sign()
    assert read(header) == read(header) == EVENT


def test_an_event_of_a_type_that_nobody_knows_is_an_event() -> None:
    body = json.dumps({**EVENT, "type": "moon.rose", "data": {"object": {"ü": "月"}}})
    assert read(sign(body), body)["type"] == "moon.rose"


def test_an_event_of_an_old_endpoint_may_lack_its_object_name() -> None:
    body = '{"id": "evt_1", "type": "charge.updated"}'
    assert read(sign(body), body)["id"] == "evt_1"
