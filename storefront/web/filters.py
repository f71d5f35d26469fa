"""How templates write money, moments and links."""

from datetime import date, datetime
from functools import lru_cache
from html import unescape
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from flask import Flask, current_app
from jinja2 import StrictUndefined

from storefront.languages import gettext as _
from storefront.languages import spoken_language, spoken_locale
from storefront.money import format_money
from storefront.settings import Settings, current_settings
from storefront.web.languages import prefix
from storefront.web.qr import qr_code


def init_app(app: Flask, settings: Settings) -> None:
    """Give the templates their filters and globals; undefined names raise."""

    def whatsapp(text: str) -> str | None:
        """Link to a chat with that text as a draft; None where there is no number."""
        if not settings.whatsapp_number:
            return None
        # A sentence with values comes escaped for HTML; a draft is plain text.
        text = unescape(text) if hasattr(text, "__html__") else text
        return f"https://wa.me/{settings.whatsapp_number}?text={quote(text, safe='')}"

    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        money=money, when=when, day=day, address_lines=address_lines, masked=masked
    )
    app.jinja_env.globals.update(
        shop=settings,
        whatsapp=whatsapp,
        qr_code=qr_code,
        absolute_url=lambda endpoint, **values: absolute_url(
            settings, endpoint, **values
        ),
    )


def money(amount: int, currency: str) -> str:
    """Write minor units with their currency."""
    return format_money(amount, currency, spoken_locale())


def when(moment: datetime) -> str:
    """Write a moment in the studio's zone, with the zone named."""
    # The pattern of a moment, in Babel's letters.
    pattern = _("d MMMM y, HH:mm")
    zone = current_settings().shop_timezone
    return _written(moment, zone, pattern, spoken_locale().replace("-", "_"))


# A page, or a letter with its other half and its file, says the same moment again.
@lru_cache(maxsize=1024)
def _written(moment: datetime, zone: str, pattern: str, locale: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, pattern, locale=locale)} ({local.tzname()})"


def day(given: date) -> str:
    """Write a date; of a moment, the one in the studio's zone."""
    if isinstance(given, datetime):
        given = given.astimezone(ZoneInfo(current_settings().shop_timezone)).date()
    # The pattern of a day, in Babel's letters.
    pattern = _("d MMMM y")
    return format_date(given, pattern, locale=spoken_locale().replace("-", "_"))


def address_lines(place: dict[str, Any]) -> list[str]:
    """List the lines of a postal address as Stripe tells it, its country by name."""
    countries = Locale.parse(spoken_locale(), sep="-").territories
    country = place.get("country")
    town = (place.get("postal_code"), place.get("city"))
    land = (place.get("state"), countries.get(country, country))
    lines = (
        place.get("name"),
        place.get("line1"),
        place.get("line2"),
        " ".join(filter(None, town)),
        ", ".join(filter(None, land)),
    )
    return [line for line in lines if line]


def masked(email: str) -> str:
    """Write an e-mail address so that its owner knows it, and nobody else learns it."""
    name, _sign, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


def absolute_url(
    settings: Settings, endpoint: str, language: str | None = None, **values: str
) -> str:
    """Build an address, in the language that is spoken unless another is named.

    From the configured origin, never from the request.
    """
    path = current_app.url_map.bind("").build(endpoint, values)
    return settings.base_url + prefix(settings, language or spoken_language()) + path
