"""The checker: do database, Stripe's ledger and the mailbox tell one story?

Run when nothing is moving any more. It reads by plain SQL and shares no code of the
sale with the shop, so that both cannot be wrong in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests

from storefront.demo.books import Books, Row, read_books
from storefront.demo.errors import DemoError
from storefront.demo.mailbox.letters import Pile

# Stripe's amounts in these currencies differ from those of ISO 4217.
WIRE_FACTOR = {"ISK": 100, "UGX": 100}
KNOWN_ABOUT = (
    "second payment",
    "payment disagrees",
    "unknown session",
    "paid order is lost",
)


def check_running(database_url: str, emulator: str | None, root: Path) -> list[str]:
    """Check the demo that runs in a checkout.

    :raises DemoError: if there is no emulator to ask.
    """
    try:
        answer = requests.get(f"{emulator}/_control/ledger", timeout=30)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise DemoError("The Stripe emulator does not answer: is it ours?") from error
    letters = Pile(root / "instance" / "letters").list()
    return check(read_books(database_url, answer.json(), letters))


def check(books: Books) -> list[str]:
    """Give a sentence for everything that does not agree; none if all does."""
    return [sentence for rule in RULES for sentence in rule(books)]


def money_is_never_lost(books: Books) -> Iterator[str]:
    """1. Every payment at Stripe is that of one order, or on the attention list."""
    owners = Counter(
        order["provider_payment_intent_id"]
        for order in books.orders
        if order["status"] in ("paid", "refunded")
    )
    listed = {
        matter["subject"] for matter in books.matters if matter["reason"] in KNOWN_ABOUT
    }
    sessions = {one["payment_intent"]: one["id"] for one in books.ledger["sessions"]}
    for payment in books.payments():
        known = payment in listed or sessions.get(payment) in listed
        if owners[payment] != 1 and not known:
            yield f"Payment {payment} belongs to {owners[payment]} orders."


def nothing_is_given_without_money(books: Books) -> Iterator[str]:
    """2. Every order that is called paid has a payment of its amount at Stripe."""
    payments = books.payments()
    for order in books.orders:
        if order["status"] not in ("paid", "refunded"):
            continue
        charge = payments.get(order["provider_payment_intent_id"])
        if charge is None:
            yield f"Order {order['number']} is {order['status']} without a payment."
        elif (charge["amount_captured"], charge["currency"].upper()) != (
            _wire(order["total_amount"], order["currency"]),
            order["currency"],
        ):
            yield f"Order {order['number']} and its payment differ in amount."


def refunds_agree(books: Books) -> Iterator[str]:
    """3. The refunded sum is what Stripe has returned, refund by refund."""
    for order in books.orders:
        there = books.returned[order["provider_payment_intent_id"]]
        here = _wire(order["amount_refunded"], order["currency"])
        if here != there:
            yield f"Order {order['number']} has {here} returned, Stripe {there}."
        whole = 0 < order["amount_refunded"] == order["total_amount"]
        if (order["status"] == "refunded") != whole:
            yield f"Order {order['number']} is {order['status']} for its refunds."


def history_tells_the_same(books: Books) -> Iterator[str]:
    """4. The status is where the events lead; paid once, refunds add up."""
    histories: dict[Any, list[Row]] = defaultdict(list)
    for event in books.events:
        histories[event["order_id"]].append(event)
    for order in books.orders:
        mine = histories[order["id"]]
        kinds = [one["event_type"] for one in mine]
        if not kinds or kinds[0] != "created":
            yield f"Order {order['number']} was never created, by its events."
        if kinds.count("paid") != (order["paid_at"] is not None):
            yield f"Order {order['number']} was paid {kinds.count('paid')} times."
        refunds = [one for one in mine if one["event_type"] == "refunded"]
        returned = sum(one["event_metadata"]["amount"] for one in refunds)
        if returned != order["amount_refunded"]:
            yield f"Order {order['number']} has events for {returned} returned."
        if _led_to(kinds, order) != order["status"]:
            yield f"Order {order['number']} is not where its events lead."


def _led_to(kinds: Sequence[str], order: Row) -> str:
    if "paid" in kinds:
        whole = order["amount_refunded"] == order["total_amount"]
        return "refunded" if whole else "paid"
    return "pending" if kinds[-1:] == ["created"] else "".join(kinds[-1:])


def letters_say_what_is_true(books: Books) -> Iterator[str]:
    """6. One receipt for each paid order, at its address; none for another."""
    paid = books.paid_at_address()
    receipts = Counter(
        (letter["order_id"], letter["recipient"])
        for letter in books.outbox
        if letter["kind"] == "receipt"
    )
    for order_id, address in paid.items():
        if receipts[order_id, address] != 1:
            yield f"Order {order_id} is paid and has no receipt of its own."
    for order_id, _ in receipts:
        if order_id not in paid:
            yield f"Order {order_id} has a receipt and is not paid."


def copies_go_where_the_receipt_went(books: Books) -> Iterator[str]:
    """6. A receipt asked for again is that of a paid order, and at its address."""
    paid = books.paid_at_address()
    for letter in books.outbox:
        copied = letter["kind"] == "receipt_again"
        if copied and paid.get(letter["order_id"]) != letter["recipient"]:
            yield f"Letter {letter['id']} is a copy for somebody who shall not have it."


def withdrawals_are_confirmed_and_told(books: Books) -> Iterator[str]:
    """6. Whoever withdraws has it in writing, and the owner knows."""
    confirmed = {
        (letter["order_id"], letter["recipient"])
        for letter in books.outbox
        if letter["kind"] == "withdrawal"
    }
    told = {one["order_id"] for one in books.matters if one["reason"] == "withdrawal"}
    for stated in books.withdrawals:
        order_id = stated["order_id"]
        if (order_id, stated["email"]) not in confirmed:
            yield f"Order {order_id} has a withdrawal that no letter confirms."
        if order_id not in told:
            yield f"Order {order_id} has a withdrawal that nobody was told of."


def letters_have_arrived(books: Books) -> Iterator[str]:
    """6. What the outbox calls sent is in the mailbox, at that address."""
    if books.letters is None:
        return
    arrived: dict[str, set[str]] = {}
    for letter in books.letters:
        name = str(letter.headers["Message-ID"]).strip("<>").partition("@")[0]
        arrived.setdefault(name, set()).update(letter.recipients)
    for row in books.outbox:
        found = arrived.pop(str(row["id"]), None)
        if row["sent_at"] and found != {row["recipient"]}:
            yield f"Letter {row['id']} was sent and is not in the mailbox."
    for name in arrived:
        yield f"Letter {name} arrived and was never written down."


def deadlines_are_kept(books: Books) -> Iterator[str]:
    """7. Nothing waits past its deadline; no page is open for an order given up."""
    open_pages = {
        one["id"] for one in books.ledger["sessions"] if one["status"] == "open"
    }
    orders = {order["id"]: order for order in books.orders}
    for attempt in books.attempts:
        order = orders[attempt["order_id"]]
        is_open = attempt["provider_session_id"] in open_pages
        if is_open and order["status"] != "pending":
            yield f"Order {order['number']} is {order['status']}, its page is open."
        if order["status"] == "pending" and order["overdue"]:
            yield f"Order {order['number']} waits past its deadline."


def nothing_is_stuck(books: Books) -> Iterator[str]:
    """8. Nothing is in somebody's hand for too long; what is parked has a reason."""
    for row in books.stuck:
        yield f"The {row['what']} {row['subject']} is stuck."
    told = {matter["subject"] for matter in books.matters}
    for letter in books.outbox:
        if letter["parked_at"] and not letter["last_error"]:
            yield f"Letter {letter['id']} is parked without a reason."
        alert = letter["kind"] == "attention"
        if letter["parked_at"] and not alert and str(letter["id"]) not in told:
            yield f"Letter {letter['id']} is parked and nobody was told."


def totals_agree(books: Books) -> Iterator[str]:
    """9. What we took and returned is what Stripe took and returned, by currency."""
    ours, theirs = Counter[str](), Counter[str]()
    settled = {order["provider_payment_intent_id"] for order in books.orders}
    for order in books.orders:
        if order["paid_at"] is not None:
            net = order["total_amount"] - order["amount_refunded"]
            ours[order["currency"]] += _wire(net, order["currency"])
    for payment, charge in books.payments().items():
        if payment in settled:
            net = charge["amount_captured"] - books.returned[payment]
            theirs[charge["currency"].upper()] += net
    for currency in ours | theirs:
        if ours[currency] != theirs[currency]:
            yield f"{currency}: we hold {ours[currency]}, Stripe {theirs[currency]}."


def _wire(amount: int, currency: str) -> int:
    return amount * WIRE_FACTOR.get(currency, 1)


# 5 and 10 are constraints of the database; 11 and 12 need the client and the logs, and
# are told by the tests that have them.
RULES = (
    money_is_never_lost,
    nothing_is_given_without_money,
    refunds_agree,
    history_tells_the_same,
    letters_say_what_is_true,
    copies_go_where_the_receipt_went,
    withdrawals_are_confirmed_and_told,
    letters_have_arrived,
    deadlines_are_kept,
    nothing_is_stuck,
    totals_agree,
)
