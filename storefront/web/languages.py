"""The language of an address: the shop's own has none in front, others /es, /pt."""

from collections.abc import Iterable
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from storefront.languages import (
    LANGUAGES,
    gettext,
    language_of,
    locale_in,
    plural,
    speaking,
    spoken_language,
    spoken_territory,
)
from storefront.settings import Settings

# What programs ask for has one language, and one address.
SPEECHLESS = (
    "/api/",
    "/healthz",
    "/readyz",
    "/assets/",
    "/sitemap.xml",
    "/robots.txt",
    "/favicon.ico",
    "/manifest.webmanifest",
)


class LanguagePrefix:
    """Take the language from the front of the path, and have the answer speak it.

    The prefix becomes part of the root that the app is served under: every address
    that a page builds stays in its language.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self.app = app
        self.shop_locale = settings.shop_locale

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer in the language of the address."""
        locale = self.shop_locale
        language, rest = split(environ.get("PATH_INFO", ""))
        if language and language != language_of(self.shop_locale):
            locale = locale_in(language, self.shop_locale)
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + f"/{language}"
            environ["PATH_INFO"] = rest
        with speaking(locale):
            return self.app(environ, start_response)


def split(path: str) -> tuple[str, str]:
    """Part /es/products/x into its language and its path; none: an empty language."""
    language, slash, rest = path.removeprefix("/").partition("/")
    if language not in LANGUAGES or f"/{rest}".startswith(SPEECHLESS):
        return "", path
    return language, f"{slash or '/'}{rest}"


def prefix(settings: Settings, language: str) -> str:
    """Give what stands in front of the addresses of a language."""
    return "" if language == language_of(settings.shop_locale) else f"/{language}"


def init_app(app: Flask, settings: Settings) -> None:
    """Read the language from each address, and let the templates speak it."""
    app.wsgi_app = LanguagePrefix(app.wsgi_app, settings)  # type: ignore[method-assign]
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # A sentence may be broken over lines, as markup is.
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, plural, newstyle=True
    )
    app.jinja_env.globals.update(
        spoken_language=spoken_language,
        spoken_territory=spoken_territory,
        here_in=lambda language: _here_in(settings, language),
        also_in=_also_in,
        LANGUAGES=LANGUAGES,
    )

    @app.before_request
    def leave_own_prefix() -> Response | None:
        """Lead /en/… of an English shop to the one address that the page has."""
        language, _ = split(request.path)
        if language != language_of(settings.shop_locale):
            return None
        _, rest = split(request.full_path.removesuffix("?"))
        return redirect("/" + rest.lstrip("/"), 301)


def _here_in(settings: Settings, language: str) -> str:
    """Give the path of this page in another language."""
    query = request.query_string.decode("latin-1")
    path = prefix(settings, language) + quote(request.path)
    return f"{path}?{query}" if query else path


def _also_in(language: str) -> str:
    """Offer the page to those who read another language, in theirs."""
    with speaking(language):
        # Each language names itself here.
        return gettext("This page is also in English.")
