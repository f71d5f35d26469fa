"""Writing an order down again that Stripe was paid for and the database has lost."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from uuid_utils.compat import uuid7

from storefront.catalog.queries import find_offer
from storefront.extensions import db
from storefront.gateway.port import Mark, SessionSeen
from storefront.languages import language_of, locale_in
from storefront.orders.history import raise_matter, tell
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderEventType,
    OrderStatus,
    Provider,
)
from storefront.orders.numbers import is_taken, new_page_token, next_number
from storefront.settings import current_settings
from storefront.web.languages import split

Lines = list[dict[str, Any]]
# As our mark lists them: what, how many, and the price of one.
ITEM = re.compile(r"([^*]+)\*([0-9]+)\*([0-9]+)")


def rebuild_order(session: SessionSeen, mark: Mark) -> bool:
    """Write the order down as its session tells it, pending, and tell the owner.

    A database that was restored to an hour ago has lost the orders since. Their
    sessions carry number and items in the metadata, the customer in the details, and
    the page's token in `success_url`: links in people's hands go on working.

    Transaction: the caller's, who settles the order next.

    :return: False if the session does not tell enough, or not of that amount; then it
        is on the attention list by name and amount.
    """
    lines = _lines(mark)
    total = sum(line["unit_amount"] * line["quantity"] for line in lines)
    told = {"amount": session.amount, "currency": session.currency}
    who = {"name": session.customer_name or "", "email": session.email or ""}
    if not mark.number or not session.email or total != session.amount:
        raise_matter("paid order is lost", session.id, None, paid=told, customer=who)
        return False
    path = urlsplit(session.success_url or "").path
    order = Order(
        id=mark.order_id,
        # Somebody may have got its number since the backup was restored.
        number=next_number() if is_taken(mark.number) else mark.number,
        page_token=_page_token(path),
        status=OrderStatus.PENDING,
        line_items=lines,
        currency=session.currency,
        total_amount=session.amount,
        customer_email=session.email,
        customer_name=session.customer_name or session.email,
        locale=_locale(path),
        provider=Provider.STRIPE,
        created_at=datetime.fromtimestamp(session.created, UTC),
    )
    order.attempts.append(
        CheckoutAttempt(
            id=mark.attempt_id or uuid7(),
            position=1,
            state=AttemptState.OPEN,
            parameters={},
            idempotency_key=f"{order.id}/rebuilt/{session.id}",
            provider_session_id=session.id,
        )
    )
    tell(order, OrderEventType.CREATED, attempt=1, rebuilt_from=session.id)
    db.session.add(order)
    db.session.flush()
    raise_matter("order written down again", session.id, order, paid=told)
    return True


def _lines(mark: Mark) -> Lines:
    """Read the items of our mark, with what the catalog says of them today."""
    lines: Lines = []
    for item in (mark.items or "").split():
        parts = ITEM.fullmatch(item)
        product = find_offer(parts[1]) if parts else None
        if parts is None or product is None:
            return []
        lines.append(
            {
                "service_id": parts[1],
                "quantity": int(parts[2]),
                "unit_amount": int(parts[3]),
                "name": product.name,
                "kind": product.kind.value,
                "next_steps": product.next_steps,
                "has_file": product.has_file,
            }
        )
    return lines


def _locale(path: str) -> str:
    """Read the customer's language off the address that they came back to."""
    shop_locale = current_settings().shop_locale
    language, _ = split(path)
    return locale_in(language or language_of(shop_locale), shop_locale)


def _page_token(path: str) -> str:
    token = path.rpartition("/")[2]
    return token if len(token) >= len(new_page_token()) else new_page_token()
