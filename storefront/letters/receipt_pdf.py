"""The receipt on paper: the same facts and figures as on the order's page."""

from collections.abc import Sequence

from storefront.catalog.models import Seller
from storefront.languages import gettext as _
from storefront.languages import spoken_language
from storefront.letters.leaf import (
    INK,
    MARGIN,
    RIGHT,
    RUBRIC,
    SOFT,
    WIDTH,
    Column,
    Leaf,
)
from storefront.letters.typeface import ITALIC
from storefront.orders.models import Order, Refund
from storefront.texts.models import Consent
from storefront.web.filters import address_lines, money, when

# Name, quantity, unit price, sum: side by side over the whole width.
COLUMNS = (
    Column(MARGIN, 73),
    Column(MARGIN + 73, 25, "R"),
    Column(MARGIN + 98, 31, "R"),
    Column(MARGIN + 129, 31, "R"),
)
SIDES = Column(MARGIN, WIDTH / 2 - 6), Column(MARGIN + WIDTH / 2, WIDTH / 2 - 6)
ROW, PADDING = 5.4, 1.8


def draw_receipt(
    order: Order,
    refunds: Sequence[Refund],
    seller: Seller | None,
    shop_name: str,
    order_url: str,
) -> bytes:
    """Draw the receipt of a paid order, in the language that is spoken.

    The same facts give the same bytes.
    """

    leaf = Leaf(
        title=f"{_('Receipt')} {order.number}",
        author=seller.legal_name if seller else shop_name,
        language=spoken_language(),
        made=order.paid_at or order.created_at,
    )
    leaf.head(shop_name)
    _draw_title(leaf, order)
    _draw_parties(leaf, order, seller, shop_name)
    _draw_lines(leaf, order)
    _draw_sums(leaf, order, refunds)
    if order.amount_refunded < order.total_amount:
        _draw_next_steps(leaf, order)
    if order.consent:
        _draw_consent(leaf, order.consent)
    _draw_link(leaf, order_url)
    return leaf.output()


def _draw_title(leaf: Leaf, order: Order) -> None:
    leaf.type(30)
    leaf.put(_("Receipt"), 13)
    leaf.y += 1
    leaf.type(17)
    leaf.say(order.number, 6, RIGHT)
    leaf.type(11, SOFT, ITALIC)
    if order.paid_at:
        leaf.say(_("Paid %(moment)s", moment=when(order.paid_at)), 6, RIGHT)
    leaf.y += 8


def _draw_parties(
    leaf: Leaf, order: Order, seller: Seller | None, shop_name: str
) -> None:
    """Set seller and buyer side by side."""
    top, ends = leaf.y, []
    parties = (
        (_("Seller"), _seller(seller, shop_name)),
        (_("Buyer"), _buyer(order)),
    )
    for side, (title, lines) in zip(SIDES, parties, strict=True):
        leaf.y = top
        leaf.type(11, RUBRIC, ITALIC)
        leaf.say(title, 6, side)
        leaf.type(11.5)
        leaf.say("\n".join(lines), 5.4, side)
        ends.append(leaf.y)
    leaf.y = max(ends) + 8


def _seller(seller: Seller | None, shop_name: str) -> list[str]:
    if seller is None:
        return [shop_name]
    address = [line.strip() for line in seller.address.splitlines() if line.strip()]
    return [
        seller.legal_name,
        *address,
        _("Tax number %(number)s", number=seller.tax_id),
    ]


def _buyer(order: Order) -> list[str]:
    address = address_lines(order.shipping_address or {})
    if address[:1] == [order.customer_name]:
        address.pop(0)
    return [order.customer_name, order.customer_email, *address]


def _draw_lines(leaf: Leaf, order: Order) -> None:
    """Set what was bought and what it cost; a long list goes on overleaf."""
    _draw_heads(leaf)
    for line in order.line_items:
        amount = line["unit_amount"] * line["quantity"]
        _draw_row(
            leaf,
            line["name"],
            str(line["quantity"]),
            money(line["unit_amount"], order.currency),
            money(amount, order.currency),
        )
    leaf.rule(leaf.y, 0.5, INK)


def _draw_heads(leaf: Leaf) -> None:
    leaf.type(10.5, SOFT, ITALIC)
    heads = (_("Item"), _("Quantity"), _("Unit price"), _("Amount"))
    _draw_cells(leaf, [[head] for head in heads])


def _draw_row(leaf: Leaf, name: str, *figures: str) -> None:
    """Set a row; one that does not fit goes overleaf whole, under the same heads."""
    leaf.type(11.5)
    lines = leaf.lines(name, COLUMNS[0])
    if leaf.make_room(ROW * len(lines) + 2 * PADDING):
        _draw_heads(leaf)
        leaf.type(11.5)
    _draw_cells(leaf, [lines, *([figure] for figure in figures)])


def _draw_cells(leaf: Leaf, cells: Sequence[Sequence[str]]) -> None:
    top = leaf.y + PADDING
    for lines, column in zip(cells, COLUMNS, strict=True):
        for number, line in enumerate(lines):
            leaf.y = top + number * ROW
            leaf.put(line, ROW, column)
    leaf.y = top + ROW * max(map(len, cells)) + PADDING
    leaf.rule(leaf.y)


def _draw_sums(leaf: Leaf, order: Order, refunds: Sequence[Refund]) -> None:
    leaf.y += 2
    _draw_sum(leaf, _("Total, with tax"), money(order.total_amount, order.currency), 15)
    for refund in refunds:
        name = _("Refunded %(moment)s", moment=when(refund.created_at))
        _draw_sum(leaf, name, f"−{money(refund.counted_amount, order.currency)}")
    if order.amount_refunded:
        kept = order.total_amount - order.amount_refunded
        _draw_sum(leaf, _("Total after the refund"), money(kept, order.currency), 13)
    leaf.y += 8


def _draw_sum(leaf: Leaf, name: str, amount: str, size: float = 11.5) -> None:
    leaf.type(size)
    leaf.make_room(size * 0.62)
    leaf.put(name, size * 0.62)
    leaf.say(amount, size * 0.62, RIGHT)


def _draw_next_steps(leaf: Leaf, order: Order) -> None:
    _draw_heading(leaf, _("What happens next"))
    for line in order.line_items:
        if len(order.line_items) > 1:
            leaf.type(11.5, face=ITALIC)
            leaf.say(line["name"], 5.6)
        leaf.type(11.5)
        leaf.say(line["next_steps"], 5.6)
        leaf.y += 2
    leaf.y += 3


def _draw_consent(leaf: Leaf, consent: Consent) -> None:
    """Confirm on paper what was ticked, as article 8(7) of 2011/83/EU asks."""
    _draw_heading(leaf, _("What you agreed to"))
    leaf.type(11.5)
    leaf.say(consent["text"], 5.6)
    leaf.y += 5


def _draw_link(leaf: Leaf, order_url: str) -> None:
    _draw_heading(leaf, _("Your order’s page"))
    leaf.type(11)
    top = leaf.y
    leaf.say(order_url, 5.4)
    leaf.link(order_url, top)
    leaf.type(10.5, SOFT, ITALIC)
    leaf.say(_("The link opens your order without a password: keep it to yourself."), 6)


def _draw_heading(leaf: Leaf, text: str) -> None:
    # Not at the foot of a page, with what it heads overleaf.
    leaf.make_room(8 + 3 * 5.6)
    leaf.type(15, RUBRIC, ITALIC)
    leaf.say(text, 8)
