"""The receipt on paper: the same facts and figures as on the order's page."""

from collections.abc import Sequence

from fpdf.fonts import FontFace

from storefront.catalog.models import Seller
from storefront.languages import gettext as _
from storefront.languages import spoken_language
from storefront.letters.leaf import INK, LINE, MARGIN, RUBRIC, SOFT, Leaf
from storefront.letters.typeface import EVERYDAY, WHOLE, LetterMissing, Typeface
from storefront.orders.models import Order, Refund
from storefront.texts.models import Consent
from storefront.web.filters import address_lines, money, when

# Name, quantity, unit price, sum: in millimetres of the 160 there are.
COLUMNS = (73, 25, 31, 31)
ALIGNED = ("LEFT", "RIGHT", "RIGHT", "RIGHT")


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

    def draw(typeface: Typeface) -> bytes:
        with Leaf(
            title=f"{_('Receipt')} {order.number}",
            author=seller.legal_name if seller else shop_name,
            language=spoken_language(),
            made=order.paid_at or order.created_at,
            typeface=typeface,
        ) as leaf:
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
            return bytes(leaf.output())

    try:
        return draw(EVERYDAY)
    except LetterMissing:
        return draw(WHOLE)


def _draw_title(leaf: Leaf, order: Order) -> None:
    top = leaf.get_y()
    leaf.type(30)
    leaf.cell(80, 13, _("Receipt"))
    leaf.set_xy(MARGIN, top + 1)
    leaf.type(17)
    leaf.cell(0, 6, order.number, align="R", new_x="LMARGIN", new_y="NEXT")
    leaf.type(11, SOFT, "I")
    if order.paid_at:
        paid = _("Paid %(moment)s", moment=when(order.paid_at))
        leaf.say(paid, 6, align="R")
    leaf.ln(8)


def _draw_parties(
    leaf: Leaf, order: Order, seller: Seller | None, shop_name: str
) -> None:
    """Set seller and buyer side by side."""
    top, half = leaf.get_y(), leaf.epw / 2
    ends = []
    for place, (title, lines) in enumerate(
        (
            (_("Seller"), _seller(seller, shop_name)),
            (_("Buyer"), _buyer(order)),
        )
    ):
        leaf.set_xy(MARGIN + place * half, top)
        leaf.type(11, RUBRIC, "I")
        leaf.say(title, 6, width=half - 6)
        leaf.type(11.5)
        leaf.say("\n".join(lines), 5.4, width=half - 6)
        ends.append(leaf.get_y())
    leaf.set_xy(MARGIN, max(ends) + 8)


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
    leaf.type(11.5)
    leaf.set_draw_color(LINE)
    leaf.set_line_width(0.2)
    heading = FontFace(emphasis="ITALICS", size_pt=10.5, color=SOFT)
    with leaf.table(
        col_widths=COLUMNS,
        text_align=ALIGNED,
        v_align="TOP",
        borders_layout="HORIZONTAL_LINES",
        headings_style=heading,
        line_height=5.4,
        padding=(1.8, 0),
    ) as table:
        table.row((_("Item"), _("Quantity"), _("Unit price"), _("Amount")))
        for line in order.line_items:
            amount = line["unit_amount"] * line["quantity"]
            table.row(
                (
                    line["name"],
                    str(line["quantity"]),
                    money(line["unit_amount"], order.currency),
                    money(amount, order.currency),
                )
            )
    leaf.rule(leaf.get_y(), 0.5, INK)


def _draw_sums(leaf: Leaf, order: Order, refunds: Sequence[Refund]) -> None:
    leaf.ln(2)
    _draw_sum(leaf, _("Total, with tax"), money(order.total_amount, order.currency), 15)
    for refund in refunds:
        name = _("Refunded %(moment)s", moment=when(refund.created_at))
        _draw_sum(leaf, name, f"−{money(refund.counted_amount, order.currency)}")
    if order.amount_refunded:
        kept = order.total_amount - order.amount_refunded
        _draw_sum(leaf, _("Total after the refund"), money(kept, order.currency), 13)
    leaf.ln(8)


def _draw_sum(leaf: Leaf, name: str, amount: str, size: float = 11.5) -> None:
    leaf.type(size)
    # Drawn from the left and from the right, on one line.
    leaf.cell(leaf.epw, size * 0.62, name)
    leaf.set_x(MARGIN)
    leaf.cell(leaf.epw, size * 0.62, amount, align="R", new_x="LMARGIN", new_y="NEXT")


def _draw_next_steps(leaf: Leaf, order: Order) -> None:
    _draw_heading(leaf, _("What happens next"))
    for line in order.line_items:
        if len(order.line_items) > 1:
            leaf.type(11.5, style="I")
            leaf.say(line["name"], 5.6)
        leaf.type(11.5)
        leaf.say(line["next_steps"], 5.6)
        leaf.ln(2)
    leaf.ln(3)


def _draw_consent(leaf: Leaf, consent: Consent) -> None:
    """Confirm on paper what was ticked, as article 8(7) of 2011/83/EU asks."""
    _draw_heading(leaf, _("What you agreed to"))
    leaf.type(11.5)
    leaf.say(consent["text"], 5.6)
    leaf.ln(5)


def _draw_link(leaf: Leaf, order_url: str) -> None:
    _draw_heading(leaf, _("Your order’s page"))
    leaf.type(11)
    leaf.multi_cell(0, 5.4, order_url, link=order_url, new_x="LMARGIN", new_y="NEXT")
    leaf.type(10.5, SOFT, "I")
    leaf.say(_("The link opens your order without a password: keep it to yourself."), 6)


def _draw_heading(leaf: Leaf, text: str) -> None:
    leaf.type(15, RUBRIC, "I")
    leaf.say(text, 8)
