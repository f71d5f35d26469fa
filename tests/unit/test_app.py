"""From settings to the app: cookies, keys, and what an unset database says."""

import pytest
from flask import Flask
from sqlalchemy import text

from storefront import create_app, database
from storefront.errors import SettingsError
from storefront.extensions import db
from storefront.settings import read_settings


def app_with(**given: str) -> Flask:
    """Make the app from settings alone."""
    return create_app(read_settings({"STOREFRONT_ENV": "development", **given}))


def test_without_a_database_every_question_is_answered_with_the_cure() -> None:
    app = app_with()
    with app.app_context(), pytest.raises(SettingsError, match="DATABASE_URL"):
        db.session.execute(text("SELECT 1"))


def test_a_shop_on_https_has_cookies_that_only_its_host_gets() -> None:
    config = app_with(BASE_URL="https://luna.example").config
    assert config["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert config["SESSION_COOKIE_SECURE"]
    assert config["SESSION_COOKIE_PATH"] in (None, "/")
    assert config["SESSION_COOKIE_DOMAIN"] is None


def test_a_shop_on_this_machine_has_cookies_that_http_carries() -> None:
    config = app_with().config
    assert not config["SESSION_COOKIE_SECURE"]
    assert not config["SESSION_COOKIE_NAME"].startswith("__")


@pytest.mark.parametrize("base", ["https://luna.example", "http://127.0.0.1:8000"])
def test_no_script_reads_a_cookie_and_the_way_back_from_stripe_keeps_it(
    base: str,
) -> None:
    config = app_with(BASE_URL=base).config
    assert config["SESSION_COOKIE_HTTPONLY"]
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"


def test_retired_keys_are_still_accepted() -> None:
    config = app_with(
        SECRET_KEY="newest-of-all", SECRET_KEY_FALLBACKS="old,older"
    ).config
    assert config["SECRET_KEY"] == "newest-of-all"
    assert config["SECRET_KEY_FALLBACKS"] == ["old", "older"]


def test_nothing_waits_for_ever_for_the_database() -> None:
    app = app_with(DATABASE_URL="postgresql://localhost/d")
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    assert options["pool_timeout"] <= 10
    assert database.CONNECT_SECONDS <= 5
    assert database.SILENCE_SECONDS <= 10
    for limit in ("statement", "lock", "idle_in_transaction_session"):
        assert f"{limit}_timeout=" in options["connect_args"]["options"]


def test_the_database_repeats_no_value_of_a_row_in_an_error() -> None:
    app = app_with(DATABASE_URL="postgresql://localhost/d")
    assert app.config["SQLALCHEMY_ENGINE_OPTIONS"]["hide_parameters"]
