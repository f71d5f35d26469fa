"""Every page of the shop in each of its states, and how a browser gets to see it."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.demo.processes import wait_until
from tests.fixtures.gallery import DIGITAL, PACK, PAUSED, PRINTED, Gallery
from tests.fixtures.shop import READING

FORM = f"/checkout?service_id={READING}"


@dataclass(frozen=True)
class Visitor:
    """Somebody in the gallery who speaks one of its languages."""

    gallery: Gallery
    language: str = "en"

    def go(self, path: str, at: str | None = None) -> int:
        """Open a page in the visitor's language; give its status."""
        prefix = "" if self.language == "en" else f"/{self.language}"
        origin = self.gallery.sisters[at] if at else self.gallery.shop.url
        answer = self.gallery.page.goto(f"{origin}{prefix}{path}")
        assert answer is not None
        return answer.status

    def order(self, state: str, query: str = "") -> int:
        """Open the page of the order in that state."""
        return self.go(f"/orders/{self.gallery.orders[state]}{query}")

    def submit(self, name: str = "Ana Lima", email: str = "ana@example.com") -> int:
        """Fill in the details form and send it; give the status of the answer."""
        page = self.gallery.page
        page.locator("#email").fill(email)
        page.locator("#name").fill(name)
        with page.expect_navigation() as moving:
            page.locator("#details [type=submit]").click()
        return moving.value.status


def empty_home(visitor: Visitor) -> int:
    """See the catalog of a shop that sells nothing yet."""
    shop = visitor.gallery.shop
    shop.rows("UPDATE products SET is_active = NOT is_active")
    shop.rows("UPDATE products SET is_active = false WHERE is_active")
    status = visitor.go("/")
    shop.rows("UPDATE products SET is_active = id <> 'almanac-2026'")
    return status


def open_form(visitor: Visitor) -> int:
    """See the details form, opened in the product's page."""
    status = visitor.go(f"/products/{READING}")
    page = visitor.gallery.page
    # It comes last; until then the button leads to a page with the form.
    assert wait_until(lambda: page.evaluate("'htmx' in window"))
    page.locator("#buy .button").first.click()
    expect(page.locator("#email")).to_be_focused()
    return status


def form_with_faults(visitor: Visitor) -> int:
    """See what the form says of mistakes."""
    visitor.go(f"/checkout?service_id={DIGITAL}")
    return visitor.submit(name="", email="ana@")


def form_while_stripe_is_away(visitor: Visitor) -> int:
    """See the form when the payment page does not open."""
    visitor.go(FORM)
    visitor.gallery.shop.emulator.fail(503)
    status = visitor.submit()
    visitor.gallery.shop.emulator.set_faults()
    return status


def form_in_demand(visitor: Visitor) -> int:
    """See the form of somebody who has tried too often."""
    visitor.go(FORM, at="in demand")
    return visitor.submit()


def order_while_stripe_is_away(visitor: Visitor) -> int:
    """See what an order says when its payment page does not open."""
    visitor.order("given up")
    page = visitor.gallery.page
    visitor.gallery.shop.emulator.fail(503)
    with page.expect_navigation() as moving:
        page.locator("#pay").click()
    visitor.gallery.shop.emulator.set_faults()
    return moving.value.status


def find_with_a_fault(visitor: Visitor) -> int:
    """See what is said of an address that is none."""
    visitor.go("/find-my-order")
    page = visitor.gallery.page
    page.locator("#email").fill("ana")
    with page.expect_response("**/find-my-order") as answering:
        page.locator("main [type=submit]").click()
    expect(page.locator(".fault").first).to_be_visible()
    return answering.value.status


def receipt_too_often(visitor: Visitor) -> int:
    """See what is said to somebody who has the receipt sent again and again."""
    visitor.order("partly refunded")
    page = visitor.gallery.page
    # Three are sent within an hour, whoever has looked here before.
    for _ in range(4):
        with page.expect_response("**/receipt") as answering:
            page.locator("#resend [type=submit]").click()
        expect(page.locator("#resend [tabindex]")).to_be_focused()
        status = answering.value.status
    expect(page.locator("#resend [role=alert]")).to_be_visible()
    return status


def form_open_too_long(visitor: Visitor) -> int:
    """See what becomes of a form whose token no longer counts."""
    visitor.go(FORM)
    visitor.gallery.page.context.clear_cookies()
    return visitor.submit()


def withdrawal_with_faults(visitor: Visitor) -> int:
    """See what the form for withdrawing says of mistakes."""
    visitor.order("paid", "/withdrawal")
    return send_statement(visitor, name="")


def statement_to_confirm(visitor: Visitor) -> int:
    """See a statement before it is sent."""
    visitor.order("paid", "/withdrawal")
    return send_statement(visitor, name="Ana Lima")


def send_statement(visitor: Visitor, name: str) -> int:
    """Fill in the form for withdrawing, and go on; give the status of the answer."""
    page = visitor.gallery.page
    page.locator("#name").fill(name)
    with page.expect_navigation() as moving:
        page.locator("main [type=submit]").click()
    return moving.value.status


@dataclass(frozen=True)
class Sight:
    """A page in a state: how to get there, and the status of its answer."""

    show: Callable[[Visitor], int]
    status: int = 200


def at(path: str, status: int = 200, sister: str | None = None) -> Sight:
    """Name a page that an address is enough for."""
    return Sight(lambda visitor: visitor.go(path, sister), status)


def order(state: str, query: str = "") -> Sight:
    """Name the page of an order."""
    return Sight(lambda visitor: visitor.order(state, query))


# What stands before the colon is the page, what follows its state.
SIGHTS: dict[str, Sight] = {
    "home": at("/"),
    "home: empty": Sight(empty_home),
    "session": at(f"/products/{READING}"),
    "session: form open": Sight(open_form),
    "session: paused": at(f"/products/{PAUSED}"),
    "pack": at(f"/products/{PACK}"),
    "almanac": at(f"/products/{DIGITAL}"),
    "almanac printed": at(f"/products/{PRINTED}"),
    "almanac of last year": at("/products/almanac-2026", 410),
    "details": at(FORM),
    "details of the almanac": at(f"/checkout?service_id={DIGITAL}"),
    "details of the almanac: faults": Sight(form_with_faults, 422),
    "details: Stripe away": Sight(form_while_stripe_is_away, 503),
    "details: too often": Sight(form_in_demand, 429),
    "details: paused": at(f"/checkout?service_id={PAUSED}", 409),
    "details: open too long": Sight(form_open_too_long, 400),
    "order open": order("open"),
    "order confirming": order("open", "?from=payment"),
    "order waiting long": at("/styleguide/order-waiting"),
    "order processing": order("processing"),
    "order paid": order("paid"),
    "order paid: receipt sent again": order("paid", "?sent=1"),
    "order paid, almanac": order("almanac"),
    "order partly refunded": order("partly refunded"),
    "order partly refunded: receipt too often": Sight(receipt_too_often),
    "order refunded": order("refunded"),
    "order failed": order("failed"),
    "order canceled": order("canceled"),
    "order given up: Stripe away": Sight(order_while_stripe_is_away, 503),
    "order paid: withdrawn": order("withdrawn"),
    "order paid, almanac: begun": order("begun"),
    "withdrawal": order("paid", "/withdrawal"),
    "withdrawal: faults": Sight(withdrawal_with_faults, 422),
    "statement of withdrawal": Sight(statement_to_confirm),
    "withdrawn": order("withdrawn", "/withdrawal"),
    "nothing to withdraw from": order("begun", "/withdrawal"),
    "find my order": at("/find-my-order"),
    "find my order: fault": Sight(find_with_a_fault),
    "find my order: sent": at("/find-my-order?sent=1"),
    "questions": at("/faq"),
    **{
        name: at(f"/{name}") for name in ("terms", "cancellation", "privacy", "imprint")
    },
    "style guide": at("/styleguide"),
    "nothing there": at("/nothing-here", 404),
    "database away": at("/", 503, "without database"),
    "fault of ours": at("/fault", 500, "with a fault"),
}

# The pages whose reading order is kept; the others are made of the same parts.
READ_ALOUD = (
    *("home", "session", "session: form open", "pack", "almanac", "session: paused"),
    *(
        "details of the almanac",
        "details of the almanac: faults",
        "details: Stripe away",
    ),
    *("order open", "order confirming", "order paid", "order paid, almanac"),
    *("find my order: fault", "find my order: sent"),
    "order paid: receipt sent again",
    *(
        "order paid: withdrawn",
        "order paid, almanac: begun",
        "nothing to withdraw from",
    ),
    *("withdrawal", "withdrawal: faults", "statement of withdrawal", "withdrawn"),
    *("order partly refunded", "order failed", "order canceled"),
    *("questions", "imprint", "nothing there"),
)
