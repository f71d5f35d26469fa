"""What a customer agrees to before a file can be delivered at once."""

from storefront.catalog.queries import Offer
from storefront.languages import gettext as _
from storefront.languages import spoken_language
from storefront.texts.models import Consent
from storefront.texts.queries import find_text


def consent_asked_for(product: Offer) -> Consent | None:
    """Give what has to be ticked for a product, in the language that is spoken.

    Directive 2011/83/EU, article 16(m): the right to withdraw ends with the delivery
    of digital content if the customer has asked for that, and knows it.
    """
    return present_consent() if product.has_file else None


def present_consent() -> Consent:
    """Give the consent as it is asked for today."""
    text = find_text("consent", spoken_language())
    return Consent(
        kind="withdrawal",
        version=text.version,
        language=text.language,
        text=" ".join(text.body.split()),
    )


def consent_fault(given: str, asked: Consent | None) -> str | None:
    """Say what is wrong with a tick, whose value is the version that was read."""
    if asked is None or given == asked["version"]:
        return None
    if given:
        return _("The text has changed meanwhile. Please read it and tick it again.")
    return _("Please tick this, so that the download can begin at once.")
