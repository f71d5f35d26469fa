"""A payment that brings no surprise: settled in one round trip, and known in one.

What is not plain is left to settle_order; both ways leave the same rows.
"""

import json
from typing import Any

from uuid_utils.compat import uuid7

from storefront.gateway.port import PaymentSeen, SessionOutcome, SessionSeen
from storefront.gateway.reading import is_identifier
from storefront.glance import single_trip
from storefront.orders.queries import is_paid_by
from storefront.settings import current_settings

# Statements sent together. Each sees what was committed before it began: the third
# begins under both locks, so that nothing it looks at moves any more.
PAY = """
-- The payment first, then the order: everybody locks in this direction.
SELECT pg_advisory_xact_lock(hashtextextended(%(payment)s, 0));

SELECT FROM orders WHERE id = (
    SELECT order_id FROM checkout_attempts WHERE provider_session_id = %(session)s
) FOR UPDATE;

WITH plain AS (
    -- Its first attempt, and open: then it is the only one.
    SELECT orders.id, checkout_attempts.id AS attempt_id, position
    FROM checkout_attempts JOIN orders ON orders.id = order_id
    WHERE checkout_attempts.provider_session_id = %(session)s
        AND position = 1 AND state = 'open'
        AND checkout_attempts.provider_payment_intent_id IS NULL
        AND status = 'pending' AND amount_refunded = 0
        AND total_amount = %(amount)s AND currency = %(currency)s
        AND orders.id::text = coalesce(%(reference)s, orders.id::text)
        -- Nothing has been told of this payment before.
        AND NOT EXISTS (SELECT FROM checkout_attempts AS other
            WHERE other.provider_payment_intent_id = %(payment)s)
        AND NOT EXISTS (SELECT FROM refunds
            WHERE provider_payment_intent_id = %(payment)s)
        AND NOT EXISTS (SELECT FROM disputes
            WHERE provider_payment_intent_id = %(payment)s)
), attempt AS (
    UPDATE checkout_attempts
    SET state = 'paid', provider_payment_intent_id = %(payment)s
    FROM plain WHERE checkout_attempts.id = attempt_id
), paid AS (
    UPDATE orders
    SET status = 'paid', paid_at = now(), updated_at = now(),
        provider_session_id = %(session)s, provider_payment_intent_id = %(payment)s,
        shipping_address = coalesce(shipping_address, %(shipping)s::jsonb)
    FROM plain WHERE orders.id = plain.id
    RETURNING orders.id, position, total_amount, customer_email
), told AS (
    INSERT INTO order_events (id, order_id, event_type, event_metadata)
    SELECT %(event)s, id, 'paid', jsonb_build_object(
        'attempt', position, 'amount', total_amount, 'source', %(source)s::text)
    FROM paid
), written AS (
    INSERT INTO letters (id, kind, cause, order_id, recipient, context)
    SELECT key::uuid, kind::letter_kind, id::text, id, recipient, context::jsonb
    FROM paid CROSS JOIN LATERAL (VALUES
        (%(receipt)s, 'receipt', customer_email, '{}'),
        (%(news)s, 'new_order', %(owner)s, '{"revived": false}')
    ) AS letter (key, kind, recipient, context)
    WHERE recipient IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT id FROM paid;
"""


def pay_at_once(
    session: SessionSeen, source: str, note: str = "", **values: Any
) -> bool:
    """Count a pending order's one open session as paid, if that is all to do.

    It is all while nothing else is known of the order or the payment, and everything
    that has to agree does.

    Transaction: its own, with the note. Safe to repeat: what is paid is not pending.

    :param note: a statement that notes the payment, and gives a row, where the order
        of `session` was just paid: its `paid_at` is then this transaction's `now()`.
    :param values: what the note holds besides.
    :return: whether it was plain and is noted; if it was not, nothing has changed.
    """
    payment_id = _payment_of(session)
    if payment_id is None:
        return False
    facts = {
        "session": session.id,
        "payment": payment_id,
        "amount": session.amount,
        "currency": session.currency,
        "reference": session.client_reference_id,
        "shipping": json.dumps(session.shipping) if session.shipping else None,
        "source": source,
        "owner": current_settings().owner_email,
        "event": str(uuid7()),
        "receipt": str(uuid7()),
        "news": str(uuid7()),
    }
    return single_trip(PAY + note, **facts, **values) is not None


def is_counted(news: SessionSeen | PaymentSeen) -> bool:
    """Tell whether the books hold all that this tells of a payment."""
    ships = news.shipping is not None
    if isinstance(news, PaymentSeen):
        return news.livemode is current_settings().livemode and is_paid_by(
            news.id, news.amount, news.currency, ships=ships
        )
    payment_id = _payment_of(news)
    return payment_id is not None and is_paid_by(
        payment_id,
        news.amount,
        news.currency,
        ships=ships,
        session_id=news.id,
        reference=news.client_reference_id,
    )


def _payment_of(session: SessionSeen) -> str | None:
    """Give the payment of a session that was paid, where it can be asked for."""
    if (
        session.outcome is not SessionOutcome.PAID
        or session.livemode is not current_settings().livemode
        or not is_identifier(session.client_reference_id or "-")
    ):
        return None
    return session.payment_intent_id
