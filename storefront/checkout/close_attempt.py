"""Closing an attempt at paying, so that nobody can pay it any more."""

from uuid import UUID

from storefront.checkout.door import gateway
from storefront.checkout.recover_attempt import find_session_of, spoil
from storefront.checkout.settle_order import settle_order
from storefront.failpoints import reach
from storefront.gateway.errors import AnswerUnusable, RequestRefused
from storefront.gateway.port import SessionSeen
from storefront.orders import service
from storefront.orders.history import raise_matter
from storefront.orders.models import AttemptState, CheckoutAttempt
from storefront.transaction import end_reading, transaction


def close_unanswered(attempt: CheckoutAttempt) -> None:
    """Make sure that no session is left of an attempt whose answer never came.

    The same key and parameters are sent once more: a session that was made is given
    again, and expired; otherwise Stripe refuses the outdated `expires_at`, which shows
    that there never was one ("Idempotent requests", read 2026-11).

    :raises GatewayUnavailable: Stripe does not answer; nothing has changed.
    """
    end_reading()
    try:
        session = _session_of(attempt)
        if session is None:
            close_unknown(attempt.order_id, attempt.id, tell_owner=False)
            return
        reach("lost session found again")
        session = gateway().expire_session(session.id)
    except RequestRefused:
        close_unknown(attempt.order_id, attempt.id, tell_owner=False)
        return
    reach("lost session expired, not settled")
    with transaction():
        service.keep_session(attempt.order_id, attempt.id, session.id)
    with transaction():
        settle_order(attempt.order_id, session, "expiry")


def _session_of(attempt: CheckoutAttempt) -> SessionSeen | None:
    if attempt.is_spoiled:
        return find_session_of(attempt)
    try:
        return gateway().create_session(attempt.parameters, attempt.idempotency_key)
    except AnswerUnusable:
        spoil(attempt)
        raise


def close_unknown(order_id: UUID, attempt_id: UUID, *, tell_owner: bool) -> None:
    """Count an attempt without a session at Stripe as closed unpaid."""
    with transaction():
        order = service.lock_order(order_id)
        attempt = service.get_attempt(order, attempt_id)
        service.advance(attempt, AttemptState.EXPIRED)
        if tell_owner:
            raise_matter(
                "session unknown at stripe",
                attempt.provider_session_id or str(attempt.id),
                order,
                asked={"amount": order.total_amount, "currency": order.currency},
            )
        service.derive(order, "expiry")
