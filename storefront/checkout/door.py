"""The running app's way to Stripe."""

from typing import cast

from flask import current_app

from storefront.gateway.stripe_gateway import StripeGateway


def gateway() -> StripeGateway:
    """Give the gateway that create_app() made from the settings."""
    return cast(StripeGateway, current_app.extensions["gateway"])
