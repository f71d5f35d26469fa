"""The storefront: a shop for one practitioner's studio."""

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from storefront.api_description import blueprint as api_description
from storefront.catalog.queries import find_version
from storefront.catalog.routes import blueprint as catalog
from storefront.checkout.api import blueprint as checkout_api
from storefront.checkout.routes import blueprint as checkout
from storefront.cli import add_commands
from storefront.database import engine_options
from storefront.extensions import csrf, db, mail, migrate
from storefront.failpoints import refuse_in_production
from storefront.fulfilment.routes import blueprint as fulfilment
from storefront.gateway.stripe_gateway import StripeGateway
from storefront.letters.routes import blueprint as letters
from storefront.orders import quiet_polls
from storefront.orders.api import blueprint as orders_api
from storefront.orders.routes import blueprint as orders
from storefront.setting_values import secrets_in
from storefront.settings import DEVELOPMENT_KEY, Settings, read_settings
from storefront.styleguide.routes import blueprint as styleguide
from storefront.texts.routes import blueprint as texts
from storefront.web import (
    assets,
    filters,
    headers,
    health,
    kept_pages,
    languages,
    logs,
    pictures,
    problems,
    sessions,
)
from storefront.webhooks.routes import blueprint as webhooks

MIGRATIONS = str(Path(__file__).parent.parent / "migrations")
# Read before the view by the CSRF check; the webhook allows itself more.
LARGEST_BODY = 64 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app: its parts in the order of the sale.

    :raises SettingsError: if a setting is missing, wrong or half-set.
    """
    settings = settings or read_settings()
    refuse_in_production(settings.storefront_env)
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(configuration(settings))
    app.extensions["gateway"] = StripeGateway(
        secrets_in(settings.stripe_secret_key)[0]
        if settings.stripe_secret_key
        else None,
        settings.stripe_api_base,
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=MIGRATIONS)
    mail.init_app(app)
    logs.init_app(app)
    headers.init_app(app, settings)
    sessions.init_app(app)
    csrf.init_app(app)
    problems.init_app(app)
    languages.init_app(app, settings)
    filters.init_app(app, settings)
    for part in (
        catalog,
        checkout,
        checkout_api,
        webhooks,
        orders,
        orders_api,
        fulfilment,
        texts,
        letters,
        api_description,
    ):
        app.register_blueprint(part)
    if settings.storefront_env != "production":
        app.register_blueprint(styleguide)
    health.init_app(app, MIGRATIONS)
    assets.init_app(app, settings)
    pictures.init_app(app, settings)
    kept_pages.init_app(app, find_version)
    quiet_polls.init_app(app, settings)
    add_commands(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def configuration(settings: Settings) -> dict[str, object]:
    """Say the settings in the words of Flask and its extensions."""
    key = settings.secret_key
    return {
        "SETTINGS": settings,
        "SECRET_KEY": key.get_secret_value() if key else DEVELOPMENT_KEY,
        "SECRET_KEY_FALLBACKS": list(secrets_in(settings.secret_key_fallbacks)),
        "SESSION_COOKIE_NAME": "__Host-session" if settings.is_https else "session",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        # Lax, so that the way back from Stripe keeps it.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "WTF_CSRF_TIME_LIMIT": 24 * 3600,
        "SQLALCHEMY_DATABASE_URI": settings.database_url or "postgresql+psycopg2://",
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings),
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.smtp_port,
        "MAIL_USERNAME": settings.mail_username,
        "MAIL_PASSWORD": settings.mail_password.get_secret_value()
        if settings.mail_password
        else None,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_USE_SSL": settings.mail_use_ssl,
        "MAIL_DEFAULT_SENDER": settings.mail_default_sender,
        # It follows TESTING otherwise, and our tests send real mail.
        "MAIL_SUPPRESS_SEND": False,
    }
