"""What each letter says: from its row to the message that goes out."""

from collections.abc import Sequence
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

import css_inline
from flask import render_template

from storefront.fulfilment.downloads import list_downloads
from storefront.fulfilment.models import Withdrawal
from storefront.fulfilment.withdrawals import list_statement
from storefront.languages import LANGUAGES, language_of, speaking
from storefront.letters.facts import Facts
from storefront.letters.matters import explain, list_figures
from storefront.letters.models import LetterKind
from storefront.letters.post import Post
from storefront.letters.receipt import make_receipt
from storefront.orders.models import Matter, Order
from storefront.orders.status import is_processing
from storefront.settings import Settings, current_settings
from storefront.web.filters import absolute_url

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

TO_OWNER = (LetterKind.NEW_ORDER, LetterKind.ATTENTION)
RECEIPTS = (LetterKind.RECEIPT, LetterKind.RECEIPT_AGAIN)


def compose(facts: Facts) -> Post | None:
    """Write the letter from its templates and the facts.

    None: there is nothing to tell, and nobody shall hear of it. In the language that
    the customer ordered, or asked, in; the owner's in the shop's.
    The Message-ID comes from the letter's row: whenever a crash makes a repeat
    possible, mail programs can tell that it is one.
    """
    with speaking(_locale(facts)):
        if facts.letter.kind is LetterKind.ORDERS_FOUND and not facts.found:
            return None
        return _compose(facts)


def _locale(facts: Facts) -> str:
    letter, order = facts.letter, facts.order
    if letter.kind is LetterKind.ORDERS_FOUND:
        return str(letter.context["locale"])
    to_owner = letter.kind in TO_OWNER
    return order.locale if order and not to_owner else current_settings().shop_locale


def _compose(facts: Facts) -> Post:
    settings, letter, order = current_settings(), facts.letter, facts.order
    told: dict[str, Any] = {
        "order": order,
        "refunds": facts.refunds,
        "seller": facts.seller,
        "context": letter.context,
        "found": _found(facts.found, settings),
        "withdrawal": facts.withdrawal,
        **(_links(order, facts.withdrawal, settings) if order else {}),
        **(_matter(facts.matter, order) if facts.matter else {}),
        "statement": list_statement(order, facts.withdrawal)
        if order and facts.withdrawal
        else None,
    }
    name = f"letters/{letter.kind.value}"
    paper, host = _paper(settings.mail_default_sender, settings.mail_reply_to)
    message = paper.written_to(letter.recipient, f"<{letter.id}@{host}>")
    message.subject = " ".join(render_template(f"{name}.subject.txt", **told).split())
    message.body = render_template(f"{name}.txt", **told)
    message.html = _inliner.inline(render_template(f"{name}.html", **told))
    if letter.kind in RECEIPTS and order:
        file = make_receipt(order, facts.refunds, facts.seller)
        if file:
            message.attach(file.name, "application/pdf", file.content)
    return message


def _found(orders: Sequence[Order], settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "order": order,
            "url": absolute_url(settings, "orders.page", token=order.page_token),
            "is_processing": is_processing([one.state for one in order.attempts]),
        }
        for order in orders
    ]


def _links(
    order: Order, withdrawal: Withdrawal | None, settings: Settings
) -> dict[str, Any]:
    token = order.page_token
    return {
        "order_url": absolute_url(settings, "orders.page", token=token),
        "receipt_url": absolute_url(settings, "letters.receipt", token=token),
        "customer_language": LANGUAGES[language_of(order.locale)],
        "download_links": [
            {
                "name": download.name,
                "url": absolute_url(
                    settings,
                    "fulfilment.download",
                    token=token,
                    product_id=download.product_id,
                ),
            }
            for download in list_downloads(order, withdrawal)
        ],
    }


def _matter(matter: Matter, order: Order | None) -> dict[str, Any]:
    return {
        "matter": matter,
        "told": explain(matter.reason),
        "figures": list_figures(matter.figures, order.currency if order else None),
    }


@lru_cache(maxsize=1)
def _paper(sender: str | None, reply_to: str | None) -> tuple[Post, str]:
    """Give the paper that a studio writes on, and the host of its Message-IDs."""
    _, address = parseaddr(sender or "")
    paper = Post(
        sender=sender,
        reply_to=reply_to,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    return paper, address.rpartition("@")[2] or "localhost"
