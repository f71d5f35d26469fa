"""The style guide: every component, and every page in each of its states."""

from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from storefront.catalog.models import ProductKind
from storefront.fulfilment.downloads import list_downloads
from storefront.fulfilment.models import Withdrawal
from storefront.fulfilment.withdrawals import Ended, Right
from storefront.orders.models import OrderStatus
from storefront.orders.routes import Polling
from storefront.orders.status import is_processing
from storefront.styleguide import samples
from storefront.web.error_texts import error_texts
from storefront.web.pictures import current_theme
from storefront.web.problems import error_page

blueprint = Blueprint("styleguide", __name__, url_prefix="/styleguide")

ERRORS = (400, 403, 404, 405, 410, 413, 414, 415, 429, 500, 503)
# So rarely that nobody sees the answer, which would be a 404.
SELDOM = 24 * 3600
FAULTS = {
    "email": "Enter an e-mail address like name@example.com.",
    "quantity": "Choose a quantity from 1 to 20.",
    "consent": "Please tick this, so that the download can begin at once.",
}
TROUBLE = "The payment page does not open just now. Nothing was charged."
STATEMENT = [("For", "Almanac 2027, printed"), ("Name", "Ana Lima")]
WITHDRAWAL = Withdrawal(
    name="Ana Lima",
    email="ana@example.com",
    line_items=[{"service_id": "almanac-printed", "is_posted": True}],
    stated_at=samples.MOMENT,
)
TYPED = {"email": "ana@example", "name": "Ana Lima", "quantity": "99"}


@blueprint.after_request
def keep_out(answer: Response) -> Response:
    """Nothing here is for search engines."""
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show every component, and lead to every page."""
    return render_template(
        "styleguide/index.html",
        samples=samples,
        tokens=current_theme().day,
        pages=sorted(PAGES),
        states=list(samples.STATES),
        errors={status: error_texts(status) for status in ERRORS},
    )


@blueprint.get("/<sample>")
def page(sample: str) -> ResponseReturnValue:
    """Show a page in one state."""
    kind, _, state = sample.partition("-")
    if kind == "order" and state in samples.STATES:
        return _order(state)
    if kind == "error" and state.isdecimal() and int(state) in ERRORS:
        answer = error_page(int(state), retry_after=30 if state == "429" else None)
        # Looked at, it is no error.
        answer.status_code = 200
        return answer
    if sample not in PAGES:
        abort(404)
    template, facts = PAGES[sample]
    return render_template(template, **facts)


def _order(state: str) -> str:
    order = samples.sample_order(state)
    every = SELDOM if state == "confirming" else None
    return render_template(
        "orders/page.html",
        order=order,
        polling=Polling(0, every),
        came_from="payment" if state in ("confirming", "waiting") else "",
        is_processing=is_processing([one.state for one in order.attempts]),
        downloads=list_downloads(order, None),
        withdrawal=None,
        owed=order.line_items,
        right=Right(order.line_items, (), is_open=order.status is OrderStatus.PAID),
        sent_again=False,
        trouble=None,
    )


def _details(**changed: Any) -> tuple[str, dict[str, Any]]:
    product = changed.get("product", samples.SESSION)
    facts = {
        "product": product,
        "typed": {},
        "errors": {},
        "trouble": None,
        "quantity": 1,
        "most_of_one": 20,
        "consent": samples.CONSENT if product.has_file else None,
        "checkout_token": samples.TOKEN,
        "variants": [product],
    }
    return "checkout/details.html", {**facts, **changed}


def _find(**changed: Any) -> tuple[str, dict[str, Any]]:
    facts = {"email": "", "fault": None, "trouble": None, "sent": False}
    return "orders/find.html", {**facts, **changed}


def _withdrawal(**changed: Any) -> tuple[str, dict[str, Any]]:
    facts = {
        "order": samples.sample_order("paid"),
        "right": Right((), (), is_open=True),
        "covered": samples.SESSION.name,
        "typed": TYPED,
        "errors": {},
        "trouble": None,
    }
    return "fulfilment/withdrawal.html", {**facts, **changed}


PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "details": _details(),
    "details-faults": _details(
        product=samples.DIGITAL, typed=TYPED, errors=FAULTS, quantity=1
    ),
    "details-trouble": _details(typed=TYPED | {"quantity": "1"}, trouble=TROUBLE),
    "details-variants": _details(
        product=samples.DIGITAL, variants=[samples.DIGITAL, samples.PRINTED]
    ),
    "details-paused": ("checkout/paused.html", {"product": samples.PAUSED}),
    "product-gone": (
        "catalog/gone.html",
        {"product": samples.PRINTED, "alternatives": [samples.DIGITAL]},
    ),
    "shelf-empty": (
        "catalog/index.html",
        {
            "welcome": {"headline": "Lunaria", "introduction": ""},
            "shelves": {kind: [] for kind in ProductKind},
            "singles": {},
            "questions": [],
        },
    ),
    "payment-unavailable": (
        "checkout/unavailable.html",
        {"order": samples.sample_order("open"), "text": TROUBLE},
    ),
    "withdrawal": _withdrawal(),
    "withdrawal-faults": _withdrawal(errors={"email": FAULTS["email"]}),
    "withdrawal-statement": (
        "fulfilment/confirm_withdrawal.html",
        {
            "order": samples.sample_order("paid"),
            "typed": TYPED,
            "statement": STATEMENT,
        },
    ),
    "withdrawal-made": (
        "fulfilment/withdrawn.html",
        {
            "order": samples.sample_order("posted"),
            "withdrawal": WITHDRAWAL,
            "statement": STATEMENT,
        },
    ),
    "withdrawal-none": (
        "fulfilment/no_withdrawal.html",
        {
            "order": samples.sample_order("download"),
            "right": Right((), (Ended("Almanac 2027", samples.MOMENT),), is_open=False),
        },
    ),
    "find": _find(),
    "find-fault": _find(email="ana", fault=FAULTS["email"]),
    "find-trouble": _find(trouble="Too many tries. Please try again in an hour."),
    "find-sent": _find(sent=True),
}
