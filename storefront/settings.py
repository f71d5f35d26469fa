"""All settings, read once from the environment into one frozen object.

A wrong or half-set value stops the start with one sentence that names the variable
and the cure, and never repeats the value.
"""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from dotenv import dotenv_values
from flask import current_app
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from storefront.errors import SettingsError
from storefront.money import is_currency
from storefront.setting_values import (
    Address,
    Optional,
    Origin,
    Origins,
    Rate,
    Secret,
    ThemeName,
    is_loopback,
    secrets_in,
)

ROOT = Path(__file__).parent.parent
DEMO_FILE = ROOT / "instance" / "demo.env"

# Enough for a session cookie outside production, where nobody's money is at stake.
DEVELOPMENT_KEY = "only-for-demo-and-development"
STRIPE_CHECKOUT_ORIGIN = "https://checkout.stripe.com"

REQUIRED_IN_PRODUCTION = {
    "database_url": "the address of your Postgres, postgresql://…",
    "secret_key": "a long random text, the same for every worker",
    "base_url": "the public origin of the shop, https://…",
    "stripe_secret_key": "the secret key from Stripe's dashboard",
    "stripe_webhook_secret": "the signing secret of the webhook endpoint, whsec_…",
    "mail_server": "the host of your SMTP server",
    "mail_default_sender": "the address that letters come from",
}


class Settings(BaseSettings):
    """The settings of one process; contract and README tell what each one means."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, case_sensitive=False
    )

    storefront_env: Literal["demo", "development", "production"] = "demo"
    # It may hold a password.
    database_url: Annotated[str | None, Optional, Field(repr=False)] = None
    secret_key: Secret | None = None
    secret_key_fallbacks: SecretStr | None = None
    base_url: Origin = "http://127.0.0.1:8000"
    trusted_proxies: Annotated[int, Field(ge=0, le=10)] = 0
    stripe_secret_key: Secret | None = None
    stripe_webhook_secret: Secret | None = None
    stripe_api_base: Annotated[Origin | None, Optional] = None
    stripe_checkout_origins: Annotated[Origins | None, Optional] = None
    mail_server: Annotated[str | None, Optional] = None
    mail_port: Annotated[int | None, Field(ge=1, le=65535), Optional] = None
    mail_username: Annotated[str | None, Optional] = None
    mail_password: Annotated[SecretStr | None, Optional] = None
    mail_use_tls: bool = False
    mail_use_ssl: bool = False
    mail_default_sender: Annotated[Address | None, Optional] = None
    mail_reply_to: Annotated[Address | None, Optional] = None
    owner_email: Annotated[Address | None, Optional] = None
    whatsapp_number: Annotated[str | None, Optional] = None
    shop_name: Annotated[str, Field(min_length=1, max_length=80)] = "Lunaria"
    shop_currency: str = "EUR"
    shop_locale: str = "en"
    shop_timezone: str = "UTC"
    order_ttl_minutes: Annotated[int, Field(ge=35, le=1435)] = 60
    scheduler: Literal["on", "off"] = "on"
    checkout_rate: Rate = "10 per minute"
    shop_theme: ThemeName = "lunaria"

    @field_validator("database_url")
    @classmethod
    def _driver(cls, value: str | None) -> str | None:
        """Name the driver: SQLAlchemy 2.1 would take psycopg 3 for a bare URL."""
        if value is None:
            return None
        found = re.fullmatch(r"postgres(ql)?(\+psycopg2)?://(?P<rest>.+)", value)
        if not found:
            raise ValueError("must begin with postgresql://")
        return f"postgresql+psycopg2://{found['rest']}"

    @field_validator("stripe_secret_key")
    @classmethod
    def _secret_kind(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(
            ("sk_test_", "rk_test_", "sk_live_", "rk_live_")
        ):
            raise ValueError("must be a secret or restricted key: sk_… or rk_…")
        return value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _not_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if any(part.startswith(("sk_", "pk_", "rk_")) for part in secrets_in(value)):
            raise ValueError("holds an API key; the endpoint's secret is whsec_…")
        return value

    @field_validator("whatsapp_number")
    @classmethod
    def _digits(cls, value: str | None) -> str | None:
        digits = re.sub(r"[ +().-]", "", value or "")
        if value and not re.fullmatch(r"[1-9][0-9]{6,14}", digits):
            raise ValueError("must be digits with the country's code, like 34600111222")
        return digits or None

    @field_validator("shop_currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if not is_currency(value.upper()):
            raise ValueError("must be a currency of ISO 4217, like EUR")
        return value.upper()

    @field_validator("shop_locale")
    @classmethod
    def _locale(cls, value: str) -> str:
        try:
            Locale.parse(value, sep="-")
        except (ValueError, UnknownLocaleError) as error:
            raise ValueError("must be a language tag, like en or pt-BR") from error
        return value

    @field_validator("shop_timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError("must be a time zone, like Europe/Lisbon") from error
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> "Settings":
        problems = [*self._missing(), *self._mixed_modes(), *self._half_set_mail()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _missing(self) -> list[str]:
        if self.storefront_env != "production":
            return []
        return [
            f"{name.upper()} is missing: production needs {what}."
            for name, what in REQUIRED_IN_PRODUCTION.items()
            if name not in self.model_fields_set or getattr(self, name) is None
        ] + (
            ["SECRET_KEY is too short: give it at least 16 characters."]
            if self.secret_key and len(self.secret_key.get_secret_value()) < 16
            else []
        )

    def _mixed_modes(self) -> list[str]:
        problems = []
        if self.livemode and self.storefront_env != "production":
            problems.append(
                "STRIPE_SECRET_KEY is a live key: outside production use a test key, "
                "sk_test_…."
            )
        if self.livemode and self.stripe_api_base:
            problems.append(
                "STRIPE_API_BASE is set beside a live key: remove it, or use a test "
                "key."
            )
        return problems

    def _half_set_mail(self) -> list[str]:
        encrypted = self.mail_use_tls or self.mail_use_ssl
        told_already = self.storefront_env == "production"
        checks = {
            "MAIL_DEFAULT_SENDER is missing beside MAIL_SERVER: set the address that "
            "letters come from.": bool(self.mail_server)
            and not self.mail_default_sender
            and not told_already,
            "MAIL_USERNAME and MAIL_PASSWORD belong together: set both or neither.": (
                bool(self.mail_username) != bool(self.mail_password)
            ),
            "MAIL_USE_TLS and MAIL_USE_SSL exclude each other: set one of them.": (
                self.mail_use_tls and self.mail_use_ssl
            ),
            "MAIL_USE_TLS is off for a server on another machine: set it, or "
            "MAIL_USE_SSL, to true.": bool(self.mail_server)
            and not encrypted
            and not is_loopback(self.mail_server),
        }
        return [sentence for sentence, is_wrong in checks.items() if is_wrong]

    @property
    def livemode(self) -> bool:
        """Tell whether the key moves real money."""
        key = self.stripe_secret_key
        return "_live_" in key.get_secret_value()[:8] if key else False

    @property
    def is_demo(self) -> bool:
        """Tell whether every page has to say so."""
        return self.storefront_env == "demo"

    @property
    def is_https(self) -> bool:
        """Tell whether people reach the shop by https."""
        return self.base_url.startswith("https://")

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Any of these verifies a delivery, so that a secret can be rolled."""
        return secrets_in(self.stripe_webhook_secret)

    @cached_property
    def checkout_origins(self) -> tuple[str, ...]:
        """Origins a customer may be sent to for paying."""
        if self.stripe_checkout_origins:
            return tuple(self.stripe_checkout_origins.split(","))
        also = (self.stripe_api_base,) if self.stripe_api_base else ()
        return (STRIPE_CHECKOUT_ORIGIN, *also)

    @property
    def smtp_port(self) -> int:
        """The port of the mail server: given, or the usual one of its encryption."""
        usual = 465 if self.mail_use_ssl else 587 if self.mail_use_tls else 25
        return self.mail_port or usual


def read_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read the settings; `.env` adds to the environment, the demo's file to both.

    The running demo's file counts only while no database is named, so that its
    addresses never mix with somebody's own.

    :raises SettingsError: with one sentence for each thing that is wrong.
    """
    values = {**_file(ROOT / ".env"), **(os.environ if environ is None else environ)}
    values = {name.upper(): value for name, value in values.items()}
    demo = values.get("STOREFRONT_ENV", "demo") == "demo"
    if demo and not values.get("DATABASE_URL"):
        values = {**_file(DEMO_FILE), **values}
    known: dict[str, Any] = {
        name: values[name.upper()]
        for name in Settings.model_fields
        if name.upper() in values
    }
    try:
        return _Given(**known)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentences(error))) from None


def current_settings() -> Settings:
    """Give the settings of the running app."""
    return cast(Settings, current_app.config["SETTINGS"])


class _Given(Settings):
    """Settings from one mapping alone, instead of pydantic's own look around."""

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[Any, ...]:
        return (sources["init_settings"],)


def _file(path: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(path).items()}


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for one in error.errors(include_input=False, include_url=False):
        text = one["msg"].removeprefix("Value error, ")
        name = str(one["loc"][0]).upper() if one["loc"] else ""
        sentences.append(f"{name} {text}." if name else text)
    return sentences
