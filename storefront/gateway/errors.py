"""How a question to Stripe can end without an answer to use."""

from storefront.errors import StorefrontError


class GatewayUnavailable(StorefrontError):
    """No usable answer: unreachable, too slow, overloaded, or nonsense. Ask later."""


class AnswerUnusable(GatewayUnavailable):
    """Stripe did answer, with an error of its own or with nonsense."""


class RequestRefused(StorefrontError):
    """Stripe understood, and will not do it however often it is asked."""


class SessionUnknown(RequestRefused):
    """Stripe knows no Checkout Session of that id."""


class SignatureInvalid(StorefrontError):
    """A delivery that nobody with one of our secrets has signed lately."""


class ClocksDiffer(SignatureInvalid):
    """A delivery with a good signature, made too long ago or in the future."""


class BodyUnusable(StorefrontError):
    """A signed delivery that is no event in the form we subscribed to."""


class AmountNotPayable(StorefrontError):
    """An amount that Stripe does not take in that currency."""
