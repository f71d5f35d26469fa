"""Going on after an answer of Stripe's that was of no use.

Stripe keeps the first answer under an idempotency key, errors included, and gives it
again for a day ("Idempotent requests", read 2026-11). So such a key is spoiled: asking
with it again only repeats the answer, while a session may have been made all the same.
"""

from datetime import UTC, datetime, timedelta

from storefront.checkout.door import gateway
from storefront.gateway.port import SessionSeen
from storefront.orders import service
from storefront.orders.models import CheckoutAttempt
from storefront.transaction import end_reading, transaction

# Clocks differ; an attempt is older than its session by a moment only.
SLACK = timedelta(minutes=5)


def spoil(attempt: CheckoutAttempt) -> None:
    """Remember that this attempt's key is of no more use."""
    with transaction():
        order = service.lock_order(attempt.order_id)
        service.get_attempt(order, attempt.id).is_spoiled = True


def find_session_of(attempt: CheckoutAttempt) -> SessionSeen | None:
    """Look at Stripe for a session that bears this attempt's mark.

    :raises GatewayUnavailable: Stripe does not answer.
    """
    end_reading()
    since, until = attempt.created_at - SLACK, datetime.now(UTC) + SLACK
    after: str | None = None
    while True:
        page = gateway().list_sessions(since, until, after)
        for session in page.things:
            if session.mark and session.mark.attempt_id == attempt.id:
                return session
        after = page.after
        if after is None:
            return None
