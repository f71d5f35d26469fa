"""Error pages: own words, a way home, somebody to ask, and no need of the database."""

import re
from html import unescape

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from storefront import create_app
from storefront.settings import read_settings
from tests.fixtures.shop import CUSTOMER, READING, Shop, environment
from tests.integration.test_checkout_form import fields, opened

ALL = [400, 403, 404, 405, 410, 413, 414, 415, 429, 500, 503]
# Nobody listens there.
AWAY = "postgresql://nobody@127.0.0.1:1/nothing"
TRANSLATED = {"": "en", "/es": "es", "/pt": "pt"}


@pytest.fixture(scope="module")
def broken() -> FlaskClient:
    """Give a shop whose database is away, with a page that fails as it is told."""
    app = create_app(read_settings(environment(AWAY, MAIL_REPLY_TO="m@luna.example")))
    _add_failing_page(app)
    return app.test_client()


def _add_failing_page(app: Flask) -> None:
    @app.get("/fail/<int:status>")
    def fail(status: int) -> str:
        if status == 500:
            raise RuntimeError("a fault of ours")
        abort(status)


@pytest.mark.parametrize("status", ALL)
def test_each_error_is_a_page_of_its_own(broken: FlaskClient, status: int) -> None:
    answer = broken.get(f"/fail/{status}")
    page = answer.text

    assert answer.status_code == status
    assert len(re.findall("<h1[ >]", page)) == 1
    assert 'href="/"' in page
    assert "https://wa.me/351900111222" in page
    assert "mailto:m@luna.example" in page
    assert answer.headers["X-Request-Id"] in page
    assert '<meta name="robots" content="noindex">' in page
    assert "Set-Cookie" not in answer.headers


def test_no_two_errors_are_called_the_same(broken: FlaskClient) -> None:
    pages = [broken.get(f"/fail/{status}").text for status in ALL]
    titles = [re.findall(r"<h1[^>]*>(.*?)</h1>", page)[0] for page in pages]

    assert len(set(titles)) == len(ALL)


def test_an_error_nobody_has_words_for_gets_those_of_its_kind(
    broken: FlaskClient,
) -> None:
    assert "This request cannot be read" in broken.get("/fail/418").text
    assert "Something went wrong on our side" in broken.get("/fail/502").text


@pytest.mark.parametrize("status", ALL)
def test_a_fragment_gets_a_fragment(broken: FlaskClient, status: int) -> None:
    answer = broken.get(f"/fail/{status}", headers={"HX-Request": "true"})

    assert answer.status_code == status
    assert answer.text.startswith('<div id="error"')
    assert "<html" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_page_that_htmx_restores_is_a_page(broken: FlaskClient) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    assert "<html" in broken.get("/fail/404", headers=headers).text


@pytest.mark.parametrize("prefix", TRANSLATED)
def test_without_a_database_the_page_says_so_in_the_language_of_its_address(
    broken: FlaskClient, prefix: str
) -> None:
    for path in ("/", f"/products/{READING}", "/terms"):
        answer = broken.get(prefix + path)

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert f'<html lang="{TRANSLATED[prefix]}">' in answer.text
        assert f'href="{prefix}/"' in answer.text
        assert "<h1>" in answer.text


def test_an_unknown_page_needs_no_database(broken: FlaskClient) -> None:
    assert broken.get("/nowhere").status_code == 404


def test_an_error_page_needs_no_session(broken: FlaskClient) -> None:
    broken.set_cookie("session", "spoiled.by.somebody")

    assert broken.get("/fail/500").status_code == 500


# A form that was open too long


@pytest.fixture
def expired(shop: Shop) -> dict[str, str]:
    """Give a filled form whose token has no session any more."""
    form = opened(shop, note="After six <b>")
    shop.http.cookies.clear()
    return form


def test_a_form_that_was_open_too_long_comes_back_with_what_was_typed(
    shop: Shop, expired: dict[str, str]
) -> None:
    answer = shop.post("/checkout", data=expired)

    assert answer.status_code == 400
    assert "This page was open too long" in answer.text
    back = fields(answer.text)
    assert (back["email"], back["name"]) == (CUSTOMER["email"], CUSTOMER["name"])
    assert "After six &lt;b&gt;" in answer.text
    assert shop.rows("SELECT * FROM orders") == []

    again = shop.post("/checkout", data={**back, "note": "After six"})
    assert again.status_code == 303


@pytest.mark.parametrize("product", ["", "nothing", "almanac-2026", "\x00"])
def test_an_expired_form_for_what_cannot_be_bought_is_an_error_page(
    shop: Shop, expired: dict[str, str], product: str
) -> None:
    answer = shop.post("/checkout", data={**expired, "service_id": product})

    assert answer.status_code == 400
    assert "This page was open too long" in unescape(answer.text)
    assert 'name="email"' not in answer.text
