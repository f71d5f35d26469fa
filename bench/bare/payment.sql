WITH event AS (
    INSERT INTO stripe_events (id, type, payload, outcome)
    VALUES (%(event)s, %(type)s, %(payload)s, 'applied') RETURNING id
), attempt AS (
    UPDATE checkout_attempts
    SET state = 'paid', provider_payment_intent_id = %(payment)s
    WHERE provider_session_id = %(session)s RETURNING order_id, position
), paid AS (
    UPDATE orders
    SET status = 'paid', paid_at = now(), updated_at = now(),
        provider_session_id = %(session)s, provider_payment_intent_id = %(payment)s
    FROM attempt WHERE orders.id = attempt.order_id
    RETURNING orders.id, attempt.position, total_amount, customer_email
), history AS (
    INSERT INTO order_events (id, order_id, event_type, event_metadata)
    SELECT gen_random_uuid(), id, 'paid',
        jsonb_build_object(
            'attempt', position, 'amount', total_amount, 'source', 'webhook'
        )
    FROM paid
), written AS (
    INSERT INTO letters (id, kind, cause, order_id, recipient, context)
    SELECT gen_random_uuid(), kind::letter_kind, id::text, id, customer_email, '{}'
    FROM paid, (VALUES ('receipt'), ('new_order')) AS both_letters (kind)
)
SELECT id FROM paid
