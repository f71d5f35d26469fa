"""Made-up products and orders, one of each kind and state; nothing is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storefront.catalog.models import ProductKind
from storefront.catalog.queries import Offer
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderStatus,
    Provider,
)
from storefront.texts.models import Consent
from storefront.web.moon import Moon, Phase

MOMENT = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
# As long as a real one, and nobody's.
TOKEN = "sample" * 7 + "x"

# A month of her: how much is lit at each phase.
MOONS = [
    Moon(phase, lit, is_waxing=place < 4)
    for place, (phase, lit) in enumerate(
        zip(Phase, (0, 0.2, 0.5, 0.8, 1, 0.8, 0.5, 0.2), strict=True)
    )
]

SESSION = Offer(
    id="reading",
    kind=ProductKind.SESSION,
    name="Birth chart reading",
    summary="An hour with the chart of the minute you were born, in plain words.",
    description="We sit down together and read your chart.",
    next_steps="We write to you within one working day with three dates.",
    unit_amount=8000,
    currency="EUR",
    duration_minutes=60,
    pack_of=None,
    pack_size=None,
    edition=None,
    shipping_countries=(),
    has_file=False,
    is_active=True,
    pause_note=None,
)
PACK = replace(
    SESSION,
    id="three-readings",
    kind=ProductKind.PACK,
    name="Three readings",
    summary="For you and two people you love.",
    unit_amount=21000,
    duration_minutes=None,
    pack_of=SESSION.id,
    pack_size=3,
)
DIGITAL = replace(
    SESSION,
    id="almanac",
    kind=ProductKind.ALMANAC,
    name="Almanac 2027, digital",
    summary="Every new and full moon of 2027, a page a month.",
    next_steps="Your copy is ready on this page.",
    unit_amount=1400,
    duration_minutes=None,
    edition="2027",
    has_file=True,
)
PRINTED = replace(
    DIGITAL,
    id="almanac-printed",
    name="Almanac 2027, printed",
    unit_amount=2400,
    shipping_countries=("PT", "ES"),
    has_file=False,
)
PAUSED = replace(
    SESSION,
    id="two-charts",
    name="Two charts, one table",
    pause_note="Mara is on the road until March.",
)
# None and three decimals.
ABROAD = [
    replace(SESSION, id="yen", unit_amount=9000, currency="JPY"),
    replace(SESSION, id="dinar", unit_amount=25500, currency="KWD"),
]
CONSENT = Consent(
    kind="withdrawal",
    version="2026-11",
    language="en",
    text="I want the download at once, and know that my right to withdraw ends then.",
)

# What is known of the attempt, and how much has gone back, in each state.
STATES = {
    "confirming": (OrderStatus.PENDING, AttemptState.OPEN, 0),
    "waiting": (OrderStatus.PENDING, AttemptState.OPEN, 0),
    "open": (OrderStatus.PENDING, AttemptState.OPEN, 0),
    "processing": (OrderStatus.PENDING, AttemptState.PROCESSING, 0),
    "paid": (OrderStatus.PAID, AttemptState.PAID, 0),
    "download": (OrderStatus.PAID, AttemptState.PAID, 0),
    "posted": (OrderStatus.PAID, AttemptState.PAID, 0),
    "part": (OrderStatus.PAID, AttemptState.PAID, 3000),
    "refunded": (OrderStatus.REFUNDED, AttemptState.PAID, 8000),
    "failed": (OrderStatus.FAILED, AttemptState.FAILED, 0),
    "canceled": (OrderStatus.CANCELED, AttemptState.EXPIRED, 0),
}
BOUGHT = {"download": DIGITAL, "posted": PRINTED}
ADDRESS = {
    "name": "Ana Lima",
    "line1": "Rua do Poço 7",
    "postal_code": "4000-001",
    "city": "Porto",
    "country": "PT",
}


def sample_order(state: str) -> Order:
    """Make an order in one of STATES."""
    status, attempt, refunded = STATES[state]
    product = BOUGHT.get(state, SESSION)
    is_paid = status in (OrderStatus.PAID, OrderStatus.REFUNDED)
    return Order(
        number="AB12CD",
        page_token=TOKEN,
        status=status,
        line_items=[_line(product)],
        currency=product.currency,
        total_amount=product.unit_amount,
        amount_refunded=refunded,
        customer_email="ana@example.com",
        customer_name="Ana Lima",
        locale="en",
        consent=CONSENT if product.has_file else None,
        shipping_address=ADDRESS if product.shipping_countries else None,
        provider=Provider.STRIPE,
        expires_at=MOMENT + timedelta(hours=1),
        paid_at=MOMENT if is_paid else None,
        created_at=MOMENT,
        attempts=[CheckoutAttempt(position=1, state=attempt)],
    )


def _line(product: Offer) -> dict[str, object]:
    return {
        "service_id": product.id,
        "quantity": 1,
        "unit_amount": product.unit_amount,
        "name": product.name,
        "kind": product.kind.value,
        "next_steps": product.next_steps,
        "has_file": product.has_file,
    }
