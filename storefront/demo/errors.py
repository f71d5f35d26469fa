"""The one error of the demo: a sentence that a person at a terminal can act on."""

from storefront.errors import StorefrontError


class DemoError(StorefrontError):
    """Something the demo needs is not to be had; the message says what to do."""
