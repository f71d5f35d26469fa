"""Opening the payment page of an order: the first time, after a fault, or once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from storefront.checkout.close_attempt import close_unanswered, close_unknown
from storefront.checkout.door import gateway
from storefront.checkout.recover_attempt import find_session_of, spoil
from storefront.checkout.settle_order import settle_order
from storefront.errors import OrderNotPayable, PaymentUnavailable
from storefront.extensions import db
from storefront.failpoints import reach
from storefront.gateway.errors import (
    AnswerUnusable,
    GatewayUnavailable,
    RequestRefused,
    SessionUnknown,
)
from storefront.gateway.parameters import Line, SessionRequest, session_parameters
from storefront.gateway.port import SessionOutcome, SessionSeen
from storefront.gateway.stripe_gateway import BUDGET_SECONDS, time_budget
from storefront.languages import speaking
from storefront.orders import service
from storefront.orders.history import tell
from storefront.orders.models import (
    AttemptState,
    CheckoutAttempt,
    Order,
    OrderEventType,
)
from storefront.orders.status import UNDER_WAY, settling
from storefront.settings import current_settings
from storefront.transaction import end_reading, transaction
from storefront.web.filters import absolute_url

# Stripe: a session lives 30 minutes at least (API docs "Create a Session", 2026-11).
SHORTEST_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An order with the attempt that is under way, at one moment of the database."""

    order: Order
    attempt: CheckoutAttempt
    now: datetime

    @property
    def is_too_late_to_create(self) -> bool:
        """Tell whether the stored parameters ask for too short a life by now."""
        ends = datetime.fromtimestamp(self.attempt.parameters["expires_at"], UTC)
        return ends < self.now + SHORTEST_LIFE


def begin_attempt(
    order: Order, shipping_countries: Sequence[str], now: datetime
) -> None:
    """Have the order wait for a payment, and write that into its history.

    Transaction: the caller's.

    :param now: by the database's clock, as the deadline goes.
    """
    _add_attempt(order, shipping_countries, now)
    tell(order, OrderEventType.CREATED, attempt=order.attempts[-1].position)


def _add_attempt(
    order: Order, shipping_countries: Sequence[str], now: datetime
) -> None:
    """Store what Stripe will be asked for, before it is asked."""
    settings = current_settings()
    expires_at = now + timedelta(minutes=settings.order_ttl_minutes)
    attempt_id = uuid7()
    request = SessionRequest(
        shop=settings.base_url,
        order_id=order.id,
        number=order.number,
        attempt_id=attempt_id,
        lines=[
            Line(
                line["service_id"],
                line["name"],
                line["unit_amount"],
                line["quantity"],
            )
            for line in order.line_items
        ],
        currency=order.currency,
        email=order.customer_email,
        locale=order.locale,
        order_url=_page_of(order),
        expires_at=expires_at,
        shipping_countries=shipping_countries,
    )
    service.add_attempt(order, attempt_id, session_parameters(request), expires_at)


def _page_of(order: Order) -> str:
    with speaking(order.locale):
        return absolute_url(current_settings(), "orders.page", token=order.page_token)


def open_first_session(order: Order) -> SessionSeen:
    """Open the session of an order that was written down just now.

    Whoever asks for it keeps it.

    :raises PaymentUnavailable: as open_payment, which goes on from there.
    """
    with time_budget(BUDGET_SECONDS):
        return _open_session(order, order.attempts[0])


def open_payment(order_id: UUID) -> str:
    """Give the address where this order can be paid now.

    An open session is looked at first; one that ended makes room for a new attempt.
    Safe to repeat: there is one open attempt, and its key makes one session.

    :raises OrderNotPayable: it is paid, or money is on its way.
    :raises PaymentUnavailable: Stripe gives no usable answer; the order stays payable.
    """
    with time_budget(BUDGET_SECONDS):
        standing = _take_stock(order_id)
        url = None
        if standing.attempt.provider_session_id:
            url = _url_of_open_session(standing.order, standing.attempt)
        elif standing.is_too_late_to_create:
            _close_outdated(standing)
        elif standing.attempt.is_spoiled:
            url = _recover(standing.order, standing.attempt)
        else:
            return _open_and_keep(standing)
        return url or _open_and_keep(_take_stock(order_id))


def _take_stock(order_id: UUID) -> _Standing:
    """Give the attempt that is under way, or begin another."""
    with transaction():
        order = service.lock_order(order_id)
        states = [attempt.state for attempt in order.attempts]
        if settling(states) is not None:
            raise OrderNotPayable
        if {AttemptState.PROCESSING, AttemptState.DISAGREES}.intersection(states):
            raise OrderNotPayable
        if not UNDER_WAY.intersection(states):
            countries = _countries(order.attempts[-1])
            begin_attempt(order, countries, _database_time())
            reach("another attempt begun, not committed")
        return _Standing(order, order.attempts[-1], _database_time())


def _database_time() -> datetime:
    return db.session.execute(select(func.now())).scalar_one()


def _countries(attempt: CheckoutAttempt) -> list[str]:
    shipping = attempt.parameters.get("shipping_address_collection", {})
    return list(shipping.get("allowed_countries", []))


def _url_of_open_session(order: Order, attempt: CheckoutAttempt) -> str | None:
    """Ask how the session stands; None if it has ended."""
    end_reading()
    try:
        session = gateway().get_session(attempt.provider_session_id or "")
    except SessionUnknown:
        close_unknown(order.id, attempt.id, tell_owner=True)
        return None
    except (GatewayUnavailable, RequestRefused) as error:
        raise PaymentUnavailable from error
    if session.outcome is SessionOutcome.OPEN:
        if not _is_usable(order, session):
            raise PaymentUnavailable
        return session.url
    reach("before an ended session is settled")
    with transaction():
        settle_order(order.id, session, "customer")
    return None


def _close_outdated(standing: _Standing) -> None:
    try:
        close_unanswered(standing.attempt)
    except GatewayUnavailable as error:
        raise PaymentUnavailable from error


def _recover(order: Order, attempt: CheckoutAttempt) -> str | None:
    """Find the session that a spoiled key may have made, else make room for another."""
    try:
        session = find_session_of(attempt)
    except (GatewayUnavailable, RequestRefused):
        # Then the old key is tried once more: perhaps its answer was not kept.
        return None
    if (
        session
        and session.outcome is SessionOutcome.OPEN
        and _is_usable(order, session)
    ):
        return _keep(order, attempt, session)
    with transaction():
        order = service.lock_order(order.id)
        service.advance(service.get_attempt(order, attempt.id), AttemptState.EXPIRED)
        # The database lets an order have one open attempt: close first, then open.
        db.session.flush()
        # The order was pending all the while: its history has nothing to tell.
        _add_attempt(order, _countries(attempt), _database_time())
    return None


def _open_and_keep(standing: _Standing) -> str:
    order, attempt = standing.order, standing.attempt
    return _keep(order, attempt, _open_session(order, attempt))


def _open_session(order: Order, attempt: CheckoutAttempt) -> SessionSeen:
    end_reading()
    reach("before the session is made")
    try:
        session = gateway().create_session(attempt.parameters, attempt.idempotency_key)
    except (GatewayUnavailable, RequestRefused) as error:
        if isinstance(error, AnswerUnusable):
            spoil(attempt)
        current_app.logger.warning(
            "no payment page for order %s: %s", order.number, error
        )
        raise PaymentUnavailable from error
    reach("session made, not kept")
    if not _is_usable(order, session):
        spoil(attempt)
        raise PaymentUnavailable
    return session


def _keep(order: Order, attempt: CheckoutAttempt, session: SessionSeen) -> str:
    with transaction():
        service.keep_session(order.id, attempt.id, session.id)
        reach("session kept, not committed")
    reach("session kept")
    return session.url or ""


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _is_usable(order: Order, session: SessionSeen) -> bool:
    """Check that the page asks for what was ordered, on a host that we know."""
    known = _origin(session.url or "") in current_settings().checkout_origins
    agrees = (session.amount, session.currency) == (order.total_amount, order.currency)
    if session.url and known and agrees:
        return True
    current_app.logger.error("the payment page of order %s is not usable", order.number)
    return False
