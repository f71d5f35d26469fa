"""Letters: the same facts in both halves, in the language of whom they go to."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote
from uuid import UUID

import pytest
import stripe
from psycopg2.extras import Json

from storefront.checkout.send_receipt_again import send_receipt_again
from storefront.checkout.withdraw import withdraw
from storefront.demo.mailbox import Letter
from storefront.fulfilment.withdrawals import Statement
from storefront.letters.models import LetterKind
from storefront.letters.outbox import write_orders_letter
from storefront.transaction import transaction
from tests.fixtures.shop import CUSTOMER, Placed, Shop

# Nothing of a letter comes from elsewhere, not even from our own shop.
FETCHED = re.compile(
    r"<(img|link|script|iframe|object|video)\b|url\(|@import|@font-face"
)
MOST_BYTES = 100_000


@dataclass(frozen=True)
class Half:
    """What one half of a letter tells: its figures and where its links lead."""

    figures: set[str]
    links: set[str]


class Visible(HTMLParser):
    """Collect what people see of a letter's HTML, and its links."""

    def __init__(self, html: str) -> None:
        """Read the HTML."""
        super().__init__()
        self.words: list[str] = []
        self.links: set[str] = set()
        self._is_shown = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep links; what comes before the table is not shown."""
        given = dict(attrs)
        self._is_shown = self._is_shown or given.get("role") == "main"
        if tag == "a":
            self.links.add(given.get("href") or "")

    def handle_data(self, data: str) -> None:
        """Keep text."""
        if self._is_shown:
            self.words.append(data)


def figures(text: str) -> set[str]:
    """Give the numbers of a text: amounts, dates, times, order numbers."""
    return set(re.findall(r"[^\s():]*\d[^\s():]*", re.sub(r"[.,]?(\s|$)", " ", text)))


def plain(letter: Letter) -> Half:
    """Read the plain half."""
    text = letter.text or ""
    links = set(re.findall(r"https?://\S+", text))
    return Half(figures(re.sub(r"https?://\S+", "", text)), links)


def rich(letter: Letter) -> Half:
    """Read the HTML half; an address to write to stands in both as text."""
    seen = Visible(letter.html or "")
    links = {link for link in seen.links if not link.startswith("mailto:")}
    return Half(figures(" ".join(seen.words)), links)


class Studio:
    """A shop that has letters of each kind sent about one order."""

    def __init__(self, shop: Shop, dashboard: stripe.StripeClient) -> None:
        """Begin with the shop, and with Stripe's dashboard for refunds."""
        self.shop, self.dashboard = shop, dashboard

    def send(self, kind: str, locale: str) -> Letter:
        """Have a letter of a kind sent about an order in a language; give it."""
        placed = self.shop.place("almanac-2027-digital", 2)
        self.shop.rows(
            "UPDATE orders SET locale = %s, customer_name = 'Ana <b>& Łódź</b>',"
            " note = 'On 12 May,\nplease', shipping_address = %s",
            locale,
            Json({"name": "Ana", "line1": "Rua 5", "postal_code": "4000-1"}),
        )
        getattr(self, kind)(placed)
        # A matter's letter is written by one run, and sent by the next.
        for _ in ("written", "sent"):
            self.shop.run_job("send-mail")
        (row,) = self.shop.rows("SELECT id FROM letters WHERE kind = %s", kind)
        (letter,) = [
            one
            for one in self.shop.mailbox.letters
            if row["id"] in one.message["Message-ID"]
        ]
        return letter

    def receipt(self, placed: Placed) -> None:
        """Pay; customer and owner are told."""
        self.shop.pay(placed)

    new_order = receipt

    def receipt_again(self, placed: Placed) -> None:
        """Pay, and miss the receipt."""
        self.shop.pay(placed)
        with self.shop.app.app_context():
            send_receipt_again(UUID(placed.id))

    def refund(self, placed: Placed) -> None:
        """Pay, and get a part of it back."""
        self.shop.pay(placed)
        intent = self.shop.emulator.session(placed.session_id)["payment_intent"]
        self.dashboard.v1.refunds.create({"payment_intent": intent, "amount": 150})
        self.shop.emulator.wait()

    def withdrawal(self, placed: Placed) -> None:
        """Pay, and think better of it."""
        self.shop.pay(placed)
        stated = Statement(
            "Ana <b>& Łódź</b>", CUSTOMER["email"], "It is\n<b>late</b>."
        )
        with self.shop.app.app_context():
            withdraw(UUID(placed.id), stated)

    def payment_failed(self, placed: Placed) -> None:
        """Have the bank refuse a delayed payment."""
        self.shop.pay(placed, "delayed_fails")

    def attention(self, placed: Placed) -> None:
        """Have a payment that is not what was asked for."""
        self.shop.rows(
            "INSERT INTO matters (id, reason, subject, order_id, figures)"
            " VALUES (gen_random_uuid(), 'payment disagrees', 'cs_test_7', %s, %s)",
            placed.id,
            Json({"amount": {"expected": 2400, "seen": 790}}),
        )

    def orders_found(self, placed: Placed) -> None:
        """Ask for lost links, in the language of the order."""
        row = self.shop.row("SELECT locale FROM orders WHERE id = %s", placed.id)
        with self.shop.app.app_context(), transaction():
            write_orders_letter(CUSTOMER["email"], row["locale"])


@pytest.fixture
def studio(shop: Shop, dashboard: stripe.StripeClient) -> Studio:
    """Give the studio."""
    return Studio(shop, dashboard)


each_kind = pytest.mark.parametrize("kind", [kind.value for kind in LetterKind])
ABOUT_ONE_ORDER = ["receipt", "receipt_again", "refund", "payment_failed", "withdrawal"]
to_customers = pytest.mark.parametrize("kind", [*ABOUT_ONE_ORDER, "orders_found"])
about_one_order = pytest.mark.parametrize("kind", ABOUT_ONE_ORDER)
to_owners = pytest.mark.parametrize("kind", ["new_order", "attention"])


@each_kind
@pytest.mark.parametrize("locale", ["en", "es", "pt-PT"])
def test_both_halves_tell_the_same(studio: Studio, kind: str, locale: str) -> None:
    letter = studio.send(kind, locale)

    assert plain(letter) == rich(letter)
    assert len(rich(letter).figures) > 3
    for half in (letter.text or "", unescape(letter.html or "")):
        assert "Almanac 2027" in half
        assert CUSTOMER["email"] in half or kind not in ("new_order", "attention")


@each_kind
def test_a_letter_is_light_and_brings_everything_along(
    studio: Studio, kind: str
) -> None:
    letter = studio.send(kind, "en")

    html = letter.html or ""
    assert len(html.encode()) < MOST_BYTES
    assert FETCHED.findall(html) == []


@each_kind
def test_its_button_is_a_link_with_room_for_a_thumb(studio: Studio, kind: str) -> None:
    html = studio.send(kind, "en").html or ""

    buttons = re.findall(r'<a[^>]*class="button"[^>]*>', html)
    # Found orders are a table of links.
    assert buttons or kind == "orders_found"
    assert all(re.search(r'style="[^"]*padding: 14px 24px', one) for one in buttons)


@each_kind
def test_lists_of_mail_show_the_next_step_beside_the_subject(
    studio: Studio, kind: str
) -> None:
    html = studio.send(kind, "en").html or ""

    (preheader,) = re.findall(r'class="preheader"[^>]*>([^<]+)', html)
    assert NEXT_STEPS[kind] in preheader


NEXT_STEPS = {
    "receipt": "Download it from this page.",
    "receipt_again": "This is a copy: nothing was charged again.",
    "new_order": "Download it from this page.",
    "withdrawal": "What is due to you goes back to the means you paid with",
    "refund": "Banks usually take 5 to 10 days.",
    "payment_failed": "You can still pay it.",
    "attention": "return the payment at Stripe",
    "orders_found": "The links that you have asked for.",
}


@each_kind
def test_what_people_type_stays_text(studio: Studio, kind: str) -> None:
    letter = studio.send(kind, "en")

    assert "<b>" not in (letter.html or "")
    assert "&lt;" not in (letter.text or "")


@to_customers
@pytest.mark.parametrize(("locale", "language"), [("es", "es"), ("pt-PT", "pt")])
def test_customers_are_written_to_in_the_language_of_their_order(
    studio: Studio, kind: str, locale: str, language: str
) -> None:
    letter = studio.send(kind, locale)

    assert f'<html lang="{language}"' in (letter.html or "")
    assert "24,00\N{NO-BREAK SPACE}€" in (letter.text or "")
    assert all(f"/{language}/" in link for link in plain(letter).links - chats(letter))


@to_owners
def test_the_owner_is_written_to_in_the_language_of_the_shop(
    studio: Studio, kind: str
) -> None:
    letter = studio.send(kind, "es")

    assert '<html lang="en"' in (letter.html or "")
    assert "€24.00" in (letter.text or "")


def test_the_owner_learns_in_which_language_to_answer(studio: Studio) -> None:
    assert "Writes in Español" in (studio.send("new_order", "es").text or "")


def test_a_matter_is_told_in_words_with_amounts_as_people_write_them(
    studio: Studio,
) -> None:
    letter = studio.send("attention", "en")

    assert letter.subject.startswith("Please look: A payment differs from its order")
    for line in ("Amount, expected: €24.00", "Amount, seen at Stripe: €7.90"):
        assert line in (letter.text or "")


def test_a_refund_tells_what_was_paid_returned_and_kept(studio: Studio) -> None:
    text = studio.send("refund", "en").text or ""

    for line in ("Total, with tax: €24.00", "−€1.50", "after the refund: €22.50"):
        assert line in text


def test_a_subject_arrives_as_it_was_written(studio: Studio) -> None:
    receipt = studio.send("receipt", "pt-PT")

    number = studio.shop.row("SELECT number FROM orders")["number"]
    name = studio.shop.row("SELECT line_items FROM orders")["line_items"][0]["name"]
    assert receipt.subject == f"Recibo {number} – {name} – 24,00 €"


# What people read and write to


def chats(letter: Letter) -> set[str]:
    """Give the links that lead to WhatsApp."""
    return {link for link in plain(letter).links if link.startswith("https://wa.me/")}


@about_one_order
def test_a_customer_can_answer_or_write_on_whatsapp(studio: Studio, kind: str) -> None:
    letter = studio.send(kind, "en")

    (chat,) = chats(letter)
    number = studio.shop.row("SELECT number FROM orders")["number"]
    token = studio.shop.row("SELECT page_token FROM orders")["page_token"]
    assert number in unquote(chat)
    # The draft goes through the hands of others.
    assert token not in chat


@to_customers
def test_the_seller_and_the_terms_stand_at_the_end(studio: Studio, kind: str) -> None:
    letter = studio.send(kind, "en")

    for half in (letter.text or "", letter.html or ""):
        assert "PT123456789" in half
        assert f"{studio.shop.url}/terms" in half
        assert f"{studio.shop.url}/cancellation" in half
