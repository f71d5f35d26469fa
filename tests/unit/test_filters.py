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


# Money and moments


@pytest.mark.usefixtures("spanish")
def test_money_is_written_in_the_shops_language() -> None:
    assert written("{{ 8000 | money('EUR') }}") == "80,00\xa0€"
    assert written("{{ 9000 | money('JPY') }}") == "9.000\xa0JPY"


@pytest.mark.usefixtures("spanish")
@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "1 enero 2027, 00:30 (CET)"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "1 julio 2026, 14:00 (CEST)"),
    ],
)
def test_a_moment_is_written_in_the_studios_zone_which_is_named(
    moment: datetime, shown: str
) -> None:
    assert written("{{ moment | when }}", moment=moment) == shown


@pytest.mark.parametrize("locale", ["pt-BR", "zh-Hans-CN", "sr-Latn", "en"])
def test_a_moment_can_be_written_in_every_language(locale: str) -> None:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    with shop(SHOP_LOCALE=locale):
        assert "2026, 12:00 (UTC)" in written("{{ moment | when }}", moment=moment)


# Addresses and names


def test_absolute_addresses_come_from_the_settings_and_never_from_the_request(
    spanish: Flask,
) -> None:
    where = {"base_url": "http://evil.example", "headers": {"X-Forwarded-Host": "evil"}}
    with spanish.test_request_context("/", **where):
        url = written("{{ absolute_url('catalog.product', product_id='a') }}")
    assert url == "https://luna.example/products/a"


@pytest.mark.usefixtures("spanish")
def test_an_undefined_name_raises_instead_of_being_nothing() -> None:
    with pytest.raises(UndefinedError):
        written("{{ nobody }}")
    with pytest.raises(UndefinedError):
        written("{% if shop.nobody %}{% endif %}")
