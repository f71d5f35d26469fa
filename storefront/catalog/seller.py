"""Who sells, as the texts of the shop name them."""

from email.utils import parseaddr
from urllib.parse import quote

from storefront.catalog.queries import find_seller
from storefront.settings import current_settings
from storefront.texts.reading import as_markdown


def seller_line() -> str:
    """Give who sells, and where, in one line; empty before a catalog."""
    seller = find_seller()
    if not seller:
        return ""
    return ", ".join([seller.legal_name, *seller.address.splitlines()])


def seller_facts() -> dict[str, str]:
    """Give what texts leave open, as Markdown; before a catalog, the shop's name."""
    settings, seller = current_settings(), find_seller()
    facts = {
        "shop_name": settings.shop_name,
        "legal_name": seller.legal_name if seller else settings.shop_name,
        "address": seller.address if seller else "…",
        "tax_id": seller.tax_id if seller else "…",
    }
    _, email = parseaddr(settings.mail_reply_to or settings.mail_default_sender or "")
    link = f"[{as_markdown(email)}](mailto:{quote(email, safe='@')})"
    return {
        **{name: as_markdown(words) for name, words in facts.items()},
        "email": link if email else "…",
    }
