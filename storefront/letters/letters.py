"""What each letter says: from its row to the message that goes out."""

from collections.abc import Sequence
from email.policy import compat32
from email.utils import parseaddr
from typing import Any

import css_inline
from flask import render_template
from flask_mail import Message

from storefront.fulfilment.downloads import list_downloads
from storefront.fulfilment.models import Withdrawal
from storefront.fulfilment.withdrawals import list_statement
from storefront.languages import LANGUAGES, language_of, speaking
from storefront.letters.facts import Facts
from storefront.letters.matters import explain, list_figures
from storefront.letters.models import LetterKind
from storefront.letters.receipt import make_receipt
from storefront.orders.models import Matter, Order
from storefront.orders.status import is_processing
from storefront.settings import Settings, current_settings
from storefront.web.filters import absolute_url

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

# As they were encoded once: Python loses blanks between encoded words where it folds
# such a header again (3.11 to 3.13, tried 2026-11). The newer policies would parse all
# headers of all parts several times: half of the time that a letter takes.
AS_ENCODED = compat32.clone(linesep="\r\n", max_line_length=None)
TO_OWNER = (LetterKind.NEW_ORDER, LetterKind.ATTENTION)
RECEIPTS = (LetterKind.RECEIPT, LetterKind.RECEIPT_AGAIN)


class Post(Message):
    """Flask-Mail's message, with subjects that arrive as they were written."""

    def as_bytes(self) -> bytes:
        """Give what goes over the line."""
        return self._message().as_bytes(policy=AS_ENCODED)


def compose(facts: Facts) -> Message | None:
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


def _compose(facts: Facts) -> Message:
    settings, letter, order = current_settings(), facts.letter, facts.order
    told: dict[str, Any] = {
        "order": order,
        "refunds": facts.refunds,
        "seller": facts.seller,
        "context": letter.context,
        "found": _found(facts.found, settings),
        **(_links(order, facts.withdrawal, settings) if order else {}),
        **(_matter(facts.matter, order) if facts.matter else {}),
        **(_statement(order, facts.withdrawal) if order and facts.withdrawal else {}),
    }
    name = f"letters/{letter.kind.value}"
    message = Post(
        subject=" ".join(render_template(f"{name}.subject.txt", **told).split()),
        recipients=[letter.recipient],
        sender=settings.mail_default_sender,
        reply_to=settings.mail_reply_to,
        body=render_template(f"{name}.txt", **told),
        html=_inliner.inline(render_template(f"{name}.html", **told)),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = f"<{letter.id}@{_host(settings)}>"
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


def _statement(order: Order, withdrawal: Withdrawal) -> dict[str, Any]:
    return {"withdrawal": withdrawal, "statement": list_statement(order, withdrawal)}


def _host(settings: Settings) -> str:
    _, address = parseaddr(settings.mail_default_sender or "")
    return address.rpartition("@")[2] or "localhost"
