"""How templates write money, moments and links."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, render_template_string
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from storefront import create_app
from storefront.languages import speaking
from storefront.settings import read_settings
from storefront.web.filters import masked


@contextmanager
def shop(**more: str) -> Iterator[Flask]:
    """Give a shop without a database, inside of which templates can be written."""
    app = create_app(read_settings({"STOREFRONT_ENV": "development", **more}))
    with app.app_context(), speaking(app.config["SETTINGS"].shop_locale):
        yield app


@pytest.fixture(scope="module")
def spanish() -> Iterator[Flask]:
    """Give a shop with a number, in Spain."""
    with shop(
        BASE_URL="https://luna.example",
        WHATSAPP_NUMBER="+34 600 111 222",
        SHOP_LOCALE="es",
        SHOP_TIMEZONE="Europe/Madrid",
    ) as app:
        yield app


def written(template: str, **values: Any) -> str:
    """Write a template inside of a shop."""
    return render_template_string(template, **values)


def link(text: str) -> str:
    """Give the WhatsApp link to a draft."""
    return unescape(written("{{ whatsapp(text) }}", text=text))


# WhatsApp


def test_without_a_number_there_is_no_link() -> None:
    with shop():
        assert written("{{ whatsapp('Hello') is none }}") == "True"


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello Luna",
        "50% & more? #1 a=b +1 / \\",
        "Áñø 月 🌙",
        'said "yes" <b>\n',
        "javascript:alert(1)",
        "https://evil.example/",
    ],
)
def test_a_draft_arrives_as_it_was_written(text: str) -> None:
    parts = urlsplit(link(text))
    assert (parts.scheme, parts.netloc) == ("https", "wa.me")
    assert parts.path == "/34600111222"
    query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    assert query == {"text": [text]}


@pytest.mark.usefixtures("spanish")
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_draft_leaves_its_place(text: str) -> None:
    url = link(text)
    rest = url.removeprefix("https://wa.me/34600111222?text=")
    assert rest != url
    assert not set(rest) & set("&#?/+ \"'<>=\n")


# Money and moments: what stands between the figures does not break a line


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "shown"),
    [
        ("en", "JPY", 9000, "¥9,000"),
        ("en", "EUR", 8000, "€80.00"),
        ("en", "EUR", 12345678, "€123,456.78"),
        ("en", "KWD", 12345, "KWD_12.345"),
        ("en", "CHF", 8000, "CHF_80.00"),
        ("es", "JPY", 9000, "9.000_JPY"),
        ("es", "EUR", 8000, "80,00_€"),
        # Grouped like larger ones, as on any price tag: columns stay columns.
        ("es", "EUR", 123456, "1.234,56_€"),
        ("es", "KWD", 1234567, "1.234,567_KWD"),
        ("pt-PT", "JPY", 9000, "9_000_JP¥"),
        ("pt-PT", "EUR", 8000, "80,00_€"),
        ("pt-PT", "EUR", 123456, "1_234,56_€"),
        ("pt-PT", "KWD", 12345, "12,345_KWD"),
        ("pt-BR", "JPY", 9000, "JP¥_9.000"),
        ("pt-BR", "EUR", 123456, "€_1.234,56"),
        ("pt-BR", "BRL", 8000, "R$_80,00"),
        ("pt-BR", "KWD", 12345, "KWD_12,345"),
    ],
)
@pytest.mark.usefixtures("spanish")
def test_money_is_written_as_people_of_the_language_do(
    locale: str, currency: str, amount: int, shown: str
) -> None:
    with speaking(locale):
        money = written(
            "{{ amount | money(currency) }}", amount=amount, currency=currency
        )
    assert money == shown.replace("_", "\N{NO-BREAK SPACE}")


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize(
    ("locale", "moment", "shown"),
    [
        ("en", "2026-11-23T11:00", "23 November 2026, 12:00 (CET)"),
        ("es", "2026-11-23T11:00", "23 de noviembre de 2026, 12:00 (CET)"),
        ("pt-PT", "2026-11-23T11:00", "23 de novembro de 2026, 12:00 (CET)"),
        ("pt-BR", "2026-11-23T11:00", "23 de novembro de 2026, 12:00 (CET)"),
        ("es", "2026-12-31T23:30", "1 de enero de 2027, 00:30 (CET)"),
        ("es", "2026-07-01T12:00", "1 de julio de 2026, 14:00 (CEST)"),
    ],
)
def test_a_moment_is_written_in_the_studios_zone_which_is_named(
    locale: str, moment: str, shown: str
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    with speaking(locale):
        assert written("{{ moment | when }}", moment=at) == shown


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en", "1 January 2027"),
        ("es", "1 de enero de 2027"),
        ("pt-PT", "1 de janeiro de 2027"),
    ],
)
def test_a_day_is_written_as_in_a_moment_in_the_studios_zone(
    locale: str, shown: str
) -> None:
    at = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    with speaking(locale):
        assert written("{{ moment | day }}", moment=at) == shown
        assert written("{{ moment | when }}", moment=at).startswith(f"{shown}, ")


@pytest.mark.parametrize("locale", ["pt-BR", "zh-Hans-CN", "sr-Latn", "en"])
def test_a_moment_can_be_written_in_every_language(locale: str) -> None:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    with shop(SHOP_LOCALE=locale), speaking(locale):
        assert "2026, 12:00 (UTC)" in written("{{ moment | when }}", moment=moment)


# Sentences


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize(("n", "shown"), [(1, "1 try, <b>"), (3, "3 tries, <b>")])
def test_a_number_and_a_value_share_a_sentence(n: int, shown: str) -> None:
    template = (
        "{{ ngettext('%(num)s try, %(name)s', '%(num)s tries, %(name)s', n, name=x) }}"
    )
    assert unescape(written(template, n=n, x="<b>")) == shown
    assert "<b>" not in written(template, n=n, x="<b>")


@pytest.mark.usefixtures("spanish")
def test_a_sentence_may_be_broken_over_lines() -> None:
    with speaking("es"):
        said = written("{% trans %}\n  There is\n  nothing here\n{% endtrans %}")
    assert said == "Aquí no hay nada"


# Addresses and names


def test_absolute_addresses_come_from_the_settings_and_never_from_the_request(
    spanish: Flask,
) -> None:
    where = {"base_url": "http://evil.example", "headers": {"X-Forwarded-Host": "evil"}}
    with spanish.test_request_context("/", **where), speaking("es"):
        url = written("{{ absolute_url('catalog.product', product_id='a') }}")
    assert url == "https://luna.example/products/a"


@pytest.mark.usefixtures("spanish")
def test_an_undefined_name_raises_instead_of_being_nothing() -> None:
    with pytest.raises(UndefinedError):
        written("{{ nobody }}")
    with pytest.raises(UndefinedError):
        written("{% if shop.nobody %}{% endif %}")


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("ana@example.org", "a…@example.org"),
        ("a@example.org", "a…@example.org"),
        ('"a@b"@example.org', '"…@example.org'),
    ],
)
def test_an_address_is_known_to_its_owner_alone(email: str, told: str) -> None:
    assert masked(email) == told
