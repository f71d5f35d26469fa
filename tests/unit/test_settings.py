"""Settings: what stops the start, and what the rest means."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from storefront import settings as module
from storefront.errors import SettingsError
from storefront.settings import Settings, read_settings, secrets_in

PRODUCTION = {
    "STOREFRONT_ENV": "production",
    "DATABASE_URL": "postgresql://shop:hush-db@db.example/shop",
    "SECRET_KEY": "hush-key-of-more-than-sixteen-letters",
    "BASE_URL": "https://shop.example",
    "STRIPE_SECRET_KEY": "sk_live_hush5e3",
    "STRIPE_WEBHOOK_SECRET": "whsec_hush77",
    "MAIL_SERVER": "smtp.shop.example",
    "MAIL_USE_TLS": "true",
    "MAIL_DEFAULT_SENDER": "Lunaria <studio@shop.example>",
}
STARRED = sorted(set(PRODUCTION) - {"STOREFRONT_ENV", "MAIL_USE_TLS"})
OWN_SERVICES = {"STOREFRONT_ENV": "development", "DATABASE_URL": "postgresql://h/d"}


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Look for .env and demo.env in an empty folder, not in this checkout."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "DEMO_FILE", tmp_path / "instance" / "demo.env")
    (tmp_path / "instance").mkdir()
    return tmp_path


def refusal(given: dict[str, str]) -> list[str]:
    """Give the sentences that stop the start."""
    with pytest.raises(SettingsError) as caught:
        read_settings(given)
    return str(caught.value).split("\n")


def refused(name: str, value: str, **more: str) -> None:
    """Hold that one sentence names the variable, and that none tells the value."""
    (sentence,) = refusal({**OWN_SERVICES, **more, name: value})
    assert name in sentence
    assert sentence.endswith(".")
    # Short ones may well stand in the cure: "like 10 per minute".
    assert len(value) <= 8 or value not in sentence


# What production asks for


@pytest.mark.parametrize("name", STARRED)
@pytest.mark.parametrize("how", ["unset", "empty"])
def test_production_without_a_starred_setting_does_not_start(
    name: str, how: str
) -> None:
    given = {**PRODUCTION, name: ""}
    if how == "unset":
        del given[name]

    (sentence,) = refusal(given)

    assert sentence.startswith(name)


def test_everything_that_production_lacks_is_told_at_once() -> None:
    told = "\n".join(refusal({"STOREFRONT_ENV": "production"}))
    assert [name for name in STARRED if name not in told] == []


def test_a_short_secret_key_does_not_start_production() -> None:
    (sentence,) = refusal({**PRODUCTION, "SECRET_KEY": "hush-short"})
    assert sentence.startswith("SECRET_KEY")
    assert "hush-short" not in sentence


def test_no_embedded_part_serves_production(empty_checkout: Path) -> None:
    # A demo that runs in the same checkout must not lend its database or keys.
    demo = "".join(f"{name}={value}\n" for name, value in PRODUCTION.items())
    (empty_checkout / "instance" / "demo.env").write_text(demo)
    told = "\n".join(refusal({"STOREFRONT_ENV": "production"}))
    assert [name for name in STARRED if name not in told] == []


def test_production_starts_when_all_is_there() -> None:
    settings = read_settings(PRODUCTION)
    assert settings.livemode
    assert settings.is_https
    assert not settings.is_demo


def test_no_refusal_repeats_a_secret() -> None:
    given = {
        **PRODUCTION,
        "STOREFRONT_ENV": "development",
        "MAIL_PASSWORD": "hush-mail",
        "MAIL_USE_TLS": "false",
        "STRIPE_API_BASE": "https://stripe.example",
    }
    sentences = refusal(given)
    assert len(sentences) == 4
    assert "hush" not in " ".join(sentences)


# Keys and secrets


@pytest.mark.parametrize(
    "value",
    [
        "whsec_...",
        "whsec_…",
        "whsec_",
        "whsec",
        "<secret>",
        "change-me",
        "whsec_xxx",
        "your_secret",
        "your-webhook-secret",
        "TODO",
        "whsec_placeholder",
    ],
)
def test_a_placeholder_is_no_webhook_secret(value: str) -> None:
    refused("STRIPE_WEBHOOK_SECRET", value)


@pytest.mark.parametrize("value", ["whsec_good1,whsec_...", "whsec_good1,whsec_"])
def test_a_placeholder_hides_in_no_list_of_secrets(value: str) -> None:
    refused("STRIPE_WEBHOOK_SECRET", value)


@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_an_empty_webhook_secret_verifies_nothing_and_is_refused(value: str) -> None:
    """Row 15: named, and never shown."""
    refused("STRIPE_WEBHOOK_SECRET", value)


@pytest.mark.parametrize("value", ["sk_test_1", "pk_live_1", "whsec_a,rk_live_1"])
def test_an_api_key_is_no_webhook_secret(value: str) -> None:
    refused("STRIPE_WEBHOOK_SECRET", value)


@pytest.mark.parametrize("value", ["", " ", "pk_test_1", "whsec_1", "1234"])
def test_what_is_no_secret_key_of_stripe_is_refused(value: str) -> None:
    refused("STRIPE_SECRET_KEY", value)


@pytest.mark.parametrize("value", ["sk_test_...", "sk_test_", "sk_live_", "rk_test_"])
def test_a_placeholder_is_no_key(value: str) -> None:
    (sentence,) = refusal({**PRODUCTION, "STRIPE_SECRET_KEY": value})
    assert sentence.startswith("STRIPE_SECRET_KEY")


@pytest.mark.parametrize("key", ["sk_live_a1", "rk_live_a1"])
@pytest.mark.parametrize("mode", ["demo", "development"])
def test_a_live_key_outside_production_does_not_start(mode: str, key: str) -> None:
    refused("STRIPE_SECRET_KEY", key, STOREFRONT_ENV=mode)


def test_a_live_key_never_meets_another_api_base() -> None:
    base = "https://stripe.example"
    (sentence,) = refusal({**PRODUCTION, "STRIPE_API_BASE": base})
    assert sentence.startswith("STRIPE_API_BASE")
    assert base not in sentence


@pytest.mark.parametrize("mode", ["demo", "development", "production"])
def test_a_test_key_may_meet_another_api_base_in_every_mode(mode: str) -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_a1", "STRIPE_API_BASE": "https://s.example"}
    settings = read_settings({**PRODUCTION, "STOREFRONT_ENV": mode, **given})
    assert settings.stripe_api_base == "https://s.example"
    assert not settings.livemode


def test_webhook_secrets_are_a_comma_list_with_blanks() -> None:
    given = {"STRIPE_WEBHOOK_SECRET": " whsec_new , whsec_old ,"}
    assert read_settings(given).webhook_secrets == ("whsec_new", "whsec_old")


def test_without_a_webhook_secret_there_is_none() -> None:
    assert read_settings({}).webhook_secrets == ()


def test_retired_secret_keys_are_a_comma_list() -> None:
    settings = read_settings({"SECRET_KEY_FALLBACKS": "one, two"})
    assert secrets_in(settings.secret_key_fallbacks) == ("one", "two")


# Origins

ORIGINS = ["BASE_URL", "STRIPE_API_BASE", "STRIPE_CHECKOUT_ORIGINS"]


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize(
    "value",
    [
        "http://luna.example",
        "http://10.0.0.5:8000",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "ftp://luna.example",
        "luna.example",
        "//luna.example",
        "https://",
        "https://luna.example/path",
        "https://luna.example?query",
        "https://luna.example#part",
        "https://user:word@luna.example",
        "https://luna.example:99999",
        "https://luna.example:port",
        "https://two words.example",
        "https://luna.example;script-src",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_safe_origin_is_refused(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize(
    "value",
    [
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://127.8.8.8:1",
        "http://[::1]:8000",
        "https://luna.example",
        "https://luna.example:8443",
    ],
)
def test_https_or_this_machine_is_a_safe_origin(name: str, value: str) -> None:
    settings = read_settings({**OWN_SERVICES, name: value})
    assert getattr(settings, name.lower()) == value


@pytest.mark.parametrize("name", ORIGINS)
def test_a_trailing_slash_is_no_path(name: str) -> None:
    settings = read_settings({**OWN_SERVICES, name: "https://luna.example/"})
    assert getattr(settings, name.lower()) == "https://luna.example"


@pytest.mark.parametrize("value", ["https://a.example,http://b.example", "https://a.,"])
def test_one_bad_checkout_origin_spoils_the_list(value: str) -> None:
    refused("STRIPE_CHECKOUT_ORIGINS", value)


def test_customers_are_sent_to_stripe_alone_by_default() -> None:
    assert read_settings({}).checkout_origins == ("https://checkout.stripe.com",)


def test_customers_may_be_sent_to_the_origin_of_the_api_base_too() -> None:
    settings = read_settings({"STRIPE_API_BASE": "http://127.0.0.1:9"})
    expected = ("https://checkout.stripe.com", "http://127.0.0.1:9")
    assert settings.checkout_origins == expected


def test_named_checkout_origins_stand_alone() -> None:
    settings = read_settings(
        {
            "STRIPE_API_BASE": "http://127.0.0.1:9",
            "STRIPE_CHECKOUT_ORIGINS": "https://pay.example/ , https://b.example",
        }
    )
    assert settings.checkout_origins == ("https://pay.example", "https://b.example")


# Mail


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MAIL_SERVER": "127.0.0.1"}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_USERNAME": "hush"}, "MAIL_PASSWORD"),
        ({"MAIL_PASSWORD": "hush"}, "MAIL_USERNAME"),
        ({"MAIL_USE_TLS": "true", "MAIL_USE_SSL": "true"}, "MAIL_USE_SSL"),
        (
            {"MAIL_SERVER": "smtp.example", "MAIL_DEFAULT_SENDER": "a@b.example"},
            "MAIL_USE_TLS",
        ),
    ],
)
def test_half_set_mail_is_refused(given: dict[str, str], named: str) -> None:
    (sentence,) = refusal({**OWN_SERVICES, **given})
    assert named in sentence
    assert "hush" not in sentence


@pytest.mark.parametrize(
    "name", ["MAIL_DEFAULT_SENDER", "MAIL_REPLY_TO", "OWNER_EMAIL"]
)
@pytest.mark.parametrize(
    "value",
    [
        "nobody",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example,c@d.example",
        "Ana <a@b.example",
        "Ana\r\nBcc: c@d.example <a@b.example>",
    ],
)
def test_what_is_no_single_mailbox_is_refused(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "smtp"])
def test_a_mail_port_outside_the_range_is_refused(value: str) -> None:
    refused("MAIL_PORT", value)


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 25),
        ({"MAIL_USE_TLS": "1"}, 587),
        ({"MAIL_USE_SSL": "on"}, 465),
        ({"MAIL_USE_SSL": "yes", "MAIL_PORT": "2465"}, 2465),
    ],
)
def test_the_mail_port_follows_the_encryption(given: dict[str, str], port: int) -> None:
    assert read_settings(given).smtp_port == port


# The rest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_TTL_MINUTES", "34"),
        ("ORDER_TTL_MINUTES", "1436"),
        ("ORDER_TTL_MINUTES", "sixty"),
        ("ORDER_TTL_MINUTES", "60.5"),
        ("CHECKOUT_RATE", "fast"),
        ("CHECKOUT_RATE", "10"),
        ("CHECKOUT_RATE", ""),
        ("CHECKOUT_RATE", "-1 per minute"),
        ("SHOP_TIMEZONE", "Mars/Olympus"),
        ("SHOP_TIMEZONE", "Europe"),
        ("SHOP_TIMEZONE", "../../etc/passwd"),
        ("SHOP_TIMEZONE", ""),
        ("SHOP_LOCALE", "xx-YY"),
        ("SHOP_LOCALE", "zz"),
        ("SHOP_LOCALE", "english!"),
        ("SHOP_LOCALE", ""),
        ("SHOP_CURRENCY", "EURO"),
        ("SHOP_CURRENCY", "XXX"),
        ("SHOP_CURRENCY", "€"),
        ("WHATSAPP_NUMBER", "12"),
        ("WHATSAPP_NUMBER", "0034600111222"),
        ("WHATSAPP_NUMBER", "1234567890123456"),
        ("WHATSAPP_NUMBER", "call me"),
        ("SCHEDULER", "maybe"),
        ("STOREFRONT_ENV", "staging"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "all"),
        ("MAIL_USE_TLS", "perhaps"),
        ("SHOP_NAME", ""),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "sqlite:///shop.db"),
        ("DATABASE_URL", "h/d"),
    ],
)
def test_a_wrong_value_stops_the_start(name: str, value: str) -> None:
    refused(name, value)


@pytest.mark.parametrize("minutes", ["35", "1435"])
def test_the_ends_of_the_ttl_are_taken(minutes: str) -> None:
    assert read_settings({"ORDER_TTL_MINUTES": minutes}).order_ttl_minutes in (35, 1435)


@pytest.mark.parametrize(
    "written", ["+34 600 11 12 22", "34600111222", "(34) 600-111.222"]
)
def test_a_number_is_kept_as_digits(written: str) -> None:
    assert read_settings({"WHATSAPP_NUMBER": written}).whatsapp_number == "34600111222"


@pytest.mark.parametrize("name", ["WHATSAPP_NUMBER", "OWNER_EMAIL", "MAIL_REPLY_TO"])
def test_an_empty_optional_setting_is_unset(name: str) -> None:
    assert getattr(read_settings({name: ""}), name.lower()) is None


def test_a_currency_may_be_written_small() -> None:
    assert read_settings({"SHOP_CURRENCY": "jpy"}).shop_currency == "JPY"


def test_names_may_be_written_small() -> None:
    assert read_settings({"shop_name": "Luz"}).shop_name == "Luz"


def test_other_variables_are_nobodys_business() -> None:
    assert read_settings({"PATH": "/bin", "STRIPE_COLOUR": "red"}) == read_settings({})


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_settings({})
    assert settings.storefront_env == "demo"
    assert (settings.shop_name, settings.shop_currency) == ("Lunaria", "EUR")
    assert (settings.shop_locale, settings.shop_timezone) == ("en", "UTC")
    assert settings.order_ttl_minutes == 60
    assert (settings.scheduler, settings.trusted_proxies) == ("on", 0)
    assert settings.checkout_rate == "10 per minute"


# The database's address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_common_scheme_of_postgres_works(scheme: str) -> None:
    given = f"{scheme}://me:p%40ss%2Fw%25rd@db.example:6543/shop?sslmode=require"
    url = make_url(read_settings({"DATABASE_URL": given}).database_url or "")
    assert url.drivername == "postgresql+psycopg2"
    assert url.password == "p@ss/w%rd"
    assert (url.username, url.host, url.port) == ("me", "db.example", 6543)
    assert (url.database, dict(url.query)) == ("shop", {"sslmode": "require"})


# Where settings come from


def test_the_environment_wins_over_the_env_file(empty_checkout: Path) -> None:
    (empty_checkout / ".env").write_text("SHOP_NAME=File\nOWNER_EMAIL=a@b.example\n")
    settings = read_settings({"SHOP_NAME": "Environment"})
    assert settings.shop_name == "Environment"
    assert settings.owner_email == "a@b.example"


def test_a_wrong_value_in_the_env_file_stops_the_start_too(
    empty_checkout: Path,
) -> None:
    (empty_checkout / ".env").write_text("ORDER_TTL_MINUTES=5\n")
    (sentence,) = refusal({})
    assert sentence.startswith("ORDER_TTL_MINUTES")


def demo_runs(folder: Path) -> None:
    """Leave behind what a running demo writes."""
    (folder / "instance" / "demo.env").write_text(
        "DATABASE_URL=postgresql://demo/d\nSHOP_NAME=Demo\n"
        "STRIPE_API_BASE=http://127.0.0.1:9\n"
    )


@pytest.mark.parametrize("given", [{}, {"DATABASE_URL": ""}])
def test_a_running_demo_lends_its_addresses(
    empty_checkout: Path, given: dict[str, str]
) -> None:
    demo_runs(empty_checkout)
    settings = read_settings(given)
    assert settings.stripe_api_base == "http://127.0.0.1:9"


def test_what_was_set_wins_over_the_demo(empty_checkout: Path) -> None:
    demo_runs(empty_checkout)
    assert read_settings({"SHOP_NAME": "Mine"}).shop_name == "Mine"


@pytest.mark.parametrize(
    "given",
    [
        {"DATABASE_URL": "postgresql://mine/d"},
        {"STOREFRONT_ENV": "development"},
        OWN_SERVICES,
    ],
)
def test_a_running_demo_never_mixes_with_own_services(
    empty_checkout: Path, given: dict[str, str]
) -> None:
    demo_runs(empty_checkout)
    settings = read_settings(given)
    assert settings.stripe_api_base is None
    assert settings.shop_name == "Lunaria"


def test_a_database_in_the_env_file_counts_as_set(empty_checkout: Path) -> None:
    demo_runs(empty_checkout)
    (empty_checkout / ".env").write_text("DATABASE_URL=postgresql://mine/d\n")
    assert read_settings({}).stripe_api_base is None


# The object itself


@pytest.mark.parametrize("name", Settings.model_fields)
def test_settings_cannot_be_changed(name: str) -> None:
    settings: Any = read_settings({})
    with pytest.raises(ValidationError):
        setattr(settings, name, getattr(settings, name))


def test_printed_settings_show_no_secret() -> None:
    given = {
        **PRODUCTION,
        "SECRET_KEY_FALLBACKS": "hush-old",
        "MAIL_USERNAME": "me",
        "MAIL_PASSWORD": "hush-mail",
    }
    settings = read_settings(given)
    assert "hush" not in f"{settings!r} {settings}"


def test_a_look_that_is_not_there_stops_the_start_and_those_there_are_are_named() -> (
    None
):
    (sentence,) = refusal({**OWN_SERVICES, "SHOP_THEME": "baroque"})
    assert sentence.startswith("SHOP_THEME must be one of these: ")
    assert "lunaria" in sentence
    assert read_settings({**OWN_SERVICES, "SHOP_THEME": "lunaria"}).shop_theme
