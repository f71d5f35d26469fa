"""What each letter says: from its row to the message that goes out."""

from email.policy import SMTP
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import css_inline
from flask import render_template
from flask_mail import Message

from storefront.catalog.queries import find_seller
from storefront.extensions import db
from storefront.fulfilment.downloads import list_downloads
from storefront.languages import LANGUAGES, language_of, speaking
from storefront.letters.matters import explain, list_figures
from storefront.letters.models import Letter, LetterKind
from storefront.letters.receipt import make_receipt
from storefront.orders.models import Matter, Order
from storefront.orders.queries import (
    find_order,
    list_counted_refunds,
    list_orders_of,
)
from storefront.orders.status import is_processing
from storefront.settings import Settings, current_settings
from storefront.web.filters import absolute_url

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

# As they were encoded once: Python loses blanks between encoded words where it folds
# such a header again (3.11 to 3.13, tried 2026-11).
AS_ENCODED = SMTP.clone(refold_source="none")
TO_OWNER = (LetterKind.NEW_ORDER, LetterKind.ATTENTION)


class Post(Message):
    """Flask-Mail's message, with subjects that arrive as they were written."""

    def as_bytes(self) -> bytes:
        """Give what goes over the line."""
        return self._message().as_bytes(policy=AS_ENCODED)


def compose(letter: Letter) -> Message | None:
    """Write the letter from its templates and the facts as they are now.

    None: there is nothing to tell, and nobody shall hear of it. In the language that
    the customer ordered, or asked, in; the owner's in the shop's.
    The Message-ID comes from the letter's row: whenever a crash makes a repeat
    possible, mail programs can tell that it is one.
    """
    order = find_order(letter.order_id) if letter.order_id else None
    with speaking(_locale(letter, order)):
        if letter.kind is LetterKind.ORDERS_FOUND:
            found = _found(letter.recipient)
            return _compose(letter, None, found=found) if found else None
        return _compose(letter, order)


def _locale(letter: Letter, order: Order | None) -> str:
    if letter.kind is LetterKind.ORDERS_FOUND:
        return str(letter.context["locale"])
    to_owner = letter.kind in TO_OWNER
    return order.locale if order and not to_owner else current_settings().shop_locale


def _found(recipient: str) -> list[dict[str, Any]]:
    settings = current_settings()
    return [
        {
            "order": order,
            "url": absolute_url(settings, "orders.page", token=order.page_token),
            "is_processing": is_processing([one.state for one in order.attempts]),
        }
        for order in list_orders_of(recipient)
    ]


def _compose(letter: Letter, order: Order | None, **more: Any) -> Message:
    settings = current_settings()
    facts: dict[str, Any] = {
        "order": order,
        "refunds": list_counted_refunds(order) if order else [],
        "seller": find_seller(),
        "context": letter.context,
        **more,
        **(_links(order, settings) if order else {}),
        **(_matter(letter, order) if letter.kind is LetterKind.ATTENTION else {}),
    }
    name = f"letters/{letter.kind.value}"
    message = Post(
        subject=" ".join(render_template(f"{name}.subject.txt", **facts).split()),
        recipients=[letter.recipient],
        sender=settings.mail_default_sender,
        reply_to=settings.mail_reply_to,
        body=render_template(f"{name}.txt", **facts),
        html=_inliner.inline(render_template(f"{name}.html", **facts)),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = f"<{letter.id}@{_host(settings)}>"
    if letter.kind is LetterKind.RECEIPT and order and (file := make_receipt(order)):
        message.attach(file.name, "application/pdf", file.content)
    return message


def _links(order: Order, settings: Settings) -> dict[str, Any]:
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
            for download in list_downloads(order)
        ],
    }


def _matter(letter: Letter, order: Order | None) -> dict[str, Any]:
    matter = db.session.get_one(Matter, UUID(letter.cause))
    return {
        "matter": matter,
        "told": explain(matter.reason),
        "figures": list_figures(matter.figures, order.currency if order else None),
    }


def _host(settings: Settings) -> str:
    _, address = parseaddr(settings.mail_default_sender or "")
    return address.rpartition("@")[2] or "localhost"
