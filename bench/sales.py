"""The rows of made-up sales, as SQL: every table is written from one table of sales.

The server makes them and keeps them, so that no row goes over a line. All that a sale
is known by (ids, tokens, sessions) follows from its place and a salt.
"""

from storefront.orders.numbers import ALPHABET, LENGTH, SPAN, STRIDE

SPELLED = " || ".join(
    f"pg_temp.sign(count * {STRIDE} %% {SPAN}, {place})" for place in range(LENGTH)
)
# What a sale is known by. %(salt)s keeps the sales of one filling from those of others.
FUNCTIONS = f"""
CREATE FUNCTION pg_temp.digest(n bigint, what text) RETURNS text IMMUTABLE
    RETURN md5(%(salt)s || '/' || what || '/' || n::text);
CREATE FUNCTION pg_temp.uid(n bigint, what text, at timestamptz) RETURNS uuid STABLE
    RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || overlay(overlay(right(pg_temp.digest(n, what), 20) PLACING '7' FROM 1)
            PLACING 'a' FROM 5))::uuid;
CREATE FUNCTION pg_temp.draw(n bigint, what integer, below integer) RETURNS integer
    IMMUTABLE RETURN ((hashint8extended(n, what) & 2147483647) %% below)::integer;
CREATE FUNCTION pg_temp.part(n bigint, whole bigint, span interval) RETURNS interval
    IMMUTABLE RETURN n::double precision / whole * span;
CREATE FUNCTION pg_temp.token(n bigint) RETURNS text IMMUTABLE RETURN translate(encode(
    sha256((%(salt)s || n::text)::bytea), 'base64'), '+/=', '-_');
CREATE FUNCTION pg_temp.sign(places bigint, place integer) RETURNS text IMMUTABLE
    RETURN substr('{ALPHABET}', ((places >> 5 * place) & 31)::integer + 1, 1);
CREATE FUNCTION pg_temp.number(count bigint) RETURNS text IMMUTABLE RETURN
    {SPELLED};
CREATE FUNCTION pg_temp.session_id(n bigint, try integer) RETURNS text IMMUTABLE RETURN
    CASE WHEN %(tag)s::text IS NOT NULL THEN 'cs_test_' || %(tag)s || '_' || n::text
    ELSE 'cs_test_' || pg_temp.digest(n, 'cs' || try::text)
        || left(pg_temp.digest(n, 'sc' || try::text), 26) END;
CREATE FUNCTION pg_temp.payment_id(n bigint) RETURNS text IMMUTABLE
    RETURN 'pi_3' || left(pg_temp.digest(n, 'pi'), 23);
CREATE FUNCTION pg_temp.refund_id(n bigint) RETURNS text IMMUTABLE
    RETURN 're_3' || left(pg_temp.digest(n, 're'), 23);
CREATE FUNCTION pg_temp.attempt_id(n bigint, try integer, at timestamptz) RETURNS uuid
    STABLE RETURN pg_temp.uid(n, 'attempt' || try, at + (try - 1) * interval '2 hours');
"""

BASKETS = """
CREATE TEMP TABLE baskets (place integer, locale text, lines jsonb, total integer,
    items text, parameters jsonb, consent jsonb, is_shipped boolean) ON COMMIT DROP
"""

# `tries`: attempts at paying. `count`: what its number spells.
SALES = """
CREATE TEMP TABLE sales (n bigint, id uuid, count bigint, basket integer,
    status order_status, tries integer, email text, name text, returned integer,
    created_at timestamptz, moved_at timestamptz, refunded_at timestamptz,
    expires_at timestamptz, asked_at timestamptz) ON COMMIT DROP
"""

# 82 in a hundred are paid, 12 given up, 3 returned, 2 failed, and of the rest a half is
# paid and returned in part; the newest half of a hundredth wait to be paid, for as long
# as the settings allow, so that they do so until the end of what is measured. A third
# of the buyers come again; one in twenty pays at the second try.
DRAWN = """
INSERT INTO sales
SELECT n, pg_temp.uid(n, 'order', created_at), %(count)s + n, basket, status, tries,
    lower(first) || '.' || lower(last) || '.' || buyer || '@example.com',
    first || ' ' || last,
    CASE WHEN status = 'refunded' THEN 100 WHEN luck >= 990 THEN 40 ELSE 0 END,
    created_at, least(moved_at, now()),
    least(moved_at + pg_temp.draw(n, 5, 2400000) * interval '1 s', now()),
    CASE WHEN status = 'pending' THEN created_at + interval '1435 minutes'
        WHEN status = 'failed' THEN NULL
        ELSE created_at + interval '60 minutes' + (tries - 1) * interval '2 hours' END,
    CASE WHEN status = 'canceled' THEN moved_at ELSE created_at END
FROM (SELECT *,
        CASE WHEN status IN ('paid', 'refunded') AND pg_temp.draw(n, 4, 20) = 0
            THEN 2 ELSE 1 END AS tries
    FROM (SELECT *,
            CASE WHEN n > %(settled)s THEN 'pending' WHEN luck < 820 THEN 'paid'
                WHEN luck < 940 THEN 'canceled' WHEN luck < 970 THEN 'refunded'
                WHEN luck < 990 THEN 'failed' ELSE 'paid' END::order_status AS status,
            CASE WHEN n > %(settled)s
                THEN now() - pg_temp.part(%(orders)s - n, %(pending)s, '50 minutes')
                ELSE now() - interval '3 hours'
                    - pg_temp.part(%(settled)s - n, %(settled)s, '1826 days')
                END AS created_at
        FROM (SELECT n, pg_temp.draw(n, 1, 1000) AS luck,
                pg_temp.draw(n, 2, %(baskets)s) AS basket,
                CASE WHEN pg_temp.draw(n, 3, 3) = 0
                    THEN pg_temp.draw(n, 6, %(orders)s / 10 + 1) ELSE n END AS buyer
            FROM generate_series(1, %(orders)s::bigint) n) drawn) dated) tried
CROSS JOIN LATERAL (SELECT
    (ARRAY['Ana','Rui','Inés','Marta','João','Lucía','Emma','Tomás','Vera','Noah'])
        [buyer %% 10 + 1] AS first,
    (ARRAY['Lima','Costa','Vega','Rocha','Serra','Pinto','Webb','Mora'])
        [buyer %% 8 + 1] AS last) called
CROSS JOIN LATERAL (SELECT CASE status
    WHEN 'canceled' THEN created_at + interval '61 minutes'
    WHEN 'failed' THEN created_at + interval '3 days'
    WHEN 'pending' THEN created_at
    ELSE created_at + (tries - 1) * interval '2 hours'
        + (20 + pg_temp.draw(n, 7, 900)) * interval '1 s' END AS moved_at) moved
"""

WAITING = """
INSERT INTO sales
SELECT n, pg_temp.uid(n, 'order', deadline - interval '60 minutes'), %(count)s + n,
    pg_temp.draw(n, 2, %(baskets)s), 'pending', 1,
    'ana.lima.' || n || '@example.com', 'Ana Lima', 0,
    deadline - interval '60 minutes', deadline - interval '60 minutes', NULL,
    deadline, %(asked_at)s
FROM (SELECT n, %(deadline)s::timestamptz AS deadline
    FROM generate_series(1, %(orders)s::bigint) n) waiting ORDER BY n
"""

ORDERS = """
INSERT INTO orders (id, number, page_token, status, line_items, currency, total_amount,
    amount_refunded, customer_email, customer_name, note, locale, consent,
    shipping_address, provider, provider_session_id, provider_payment_intent_id,
    expires_at, paid_at, created_at, updated_at)
SELECT id, pg_temp.number(count), pg_temp.token(n), status, lines, 'EUR', total,
    total * returned / 100, email, name,
    CASE WHEN pg_temp.draw(n, 8, 10) = 0
        THEN 'Afternoons suit me best; it is a present for my sister.' END,
    locale, consent,
    CASE WHEN is_shipped AND is_paid THEN jsonb_build_object('name', name,
        'line1', 'Rua do Poço ' || n %% 200, 'line2', NULL, 'city', 'Porto',
        'state', NULL, 'postal_code', '4000-' || 100 + n %% 900, 'country', 'PT') END,
    'stripe', pg_temp.session_id(n, tries),
    CASE WHEN is_paid THEN pg_temp.payment_id(n) END,
    expires_at, CASE WHEN is_paid THEN moved_at END, created_at,
    CASE WHEN returned > 0 THEN refunded_at ELSE moved_at END
FROM (SELECT *, status IN ('paid', 'refunded') AS is_paid FROM sales) sold
JOIN baskets ON place = basket
"""

ATTEMPTS = """
INSERT INTO checkout_attempts (id, order_id, position, state, parameters,
    idempotency_key, provider_session_id, provider_payment_intent_id, created_at,
    asked_at)
SELECT attempt_id, id, try, state,
    parameters || jsonb_build_object('client_reference_id', id,
        'customer_email', email,
        'expires_at', extract(epoch FROM begun_at + interval '60 minutes')::bigint,
        'metadata', (parameters -> 'metadata') || mark
            || jsonb_build_object('order_number', pg_temp.number(count)),
        'payment_intent_data', jsonb_build_object('metadata',
            (parameters -> 'payment_intent_data' -> 'metadata') || mark),
        'success_url', page || '?from=payment', 'cancel_url', page || '?from=cancel'),
    id || '/' || try, pg_temp.session_id(n, try),
    CASE WHEN state IN ('paid', 'failed') THEN pg_temp.payment_id(n) END, begun_at,
    CASE WHEN try = tries THEN asked_at + (try - 1) * interval '2 hours'
        ELSE created_at + interval '61 minutes' END
FROM sales JOIN baskets ON place = basket
CROSS JOIN LATERAL generate_series(1, tries) try
CROSS JOIN LATERAL (SELECT pg_temp.attempt_id(n, try, created_at) AS attempt_id,
    created_at + (try - 1) * interval '2 hours' AS begun_at,
    %(shop)s || '/orders/' || pg_temp.token(n) AS page,
    CASE WHEN try < tries OR status = 'canceled' THEN 'expired'
        WHEN status = 'pending' THEN 'open' WHEN status = 'failed' THEN 'failed'
        ELSE 'paid' END::checkout_attempt_state AS state) known
CROSS JOIN LATERAL (SELECT jsonb_build_object(
    'order_id', id, 'attempt_id', attempt_id) AS mark) marked
"""

EVENTS = """
INSERT INTO order_events (id, order_id, event_type, event_metadata, created_at)
SELECT pg_temp.uid(n, 'event' || told.place, told_at), id, kind::order_event_type,
    metadata, told_at
FROM sales JOIN baskets ON baskets.place = basket
CROSS JOIN LATERAL (VALUES
    (1, true, 'created', '{"attempt": 1}'::jsonb, created_at),
    (2, status = 'canceled' OR tries = 2, 'canceled', '{"source": "expiry"}',
        created_at + interval '61 minutes'),
    (3, tries = 2, 'created', '{"attempt": 2}', created_at + interval '2 hours'),
    (4, status IN ('paid', 'refunded'), 'paid', jsonb_build_object('attempt', tries,
        'amount', total, 'source', 'webhook'), moved_at),
    (5, returned > 0, 'refunded', jsonb_build_object('refund', pg_temp.refund_id(n),
        'amount', total * returned / 100, 'amount_refunded', total * returned / 100),
        refunded_at),
    (6, status = 'failed', 'failed', '{"source": "webhook"}', moved_at)
) told (place, is_told, kind, metadata, told_at) WHERE is_told
"""

REFUNDS = """
INSERT INTO refunds (provider_refund_id, provider_payment_intent_id, state, amount,
    currency, counted_amount, created_at)
SELECT pg_temp.refund_id(n), pg_temp.payment_id(n), 'succeeded',
    total * returned / 100, 'EUR', total * returned / 100, refunded_at
FROM sales JOIN baskets ON place = basket WHERE returned > 0
"""

LETTERS = """
INSERT INTO letters (id, kind, cause, order_id, recipient, context, due_at, tries,
    sent_at, created_at)
SELECT pg_temp.uid(n, 'letter' || kind, written_at), kind::letter_kind, cause, id,
    recipient, context, written_at + interval '122 s', 1, written_at + interval '3 s',
    written_at
FROM sales JOIN baskets ON place = basket
CROSS JOIN LATERAL (VALUES
    (status IN ('paid', 'refunded'), 'receipt', id::text, email, '{}'::jsonb, moved_at),
    (status IN ('paid', 'refunded'), 'new_order', id::text, 'studio@lunaria.example',
        '{"revived": false}', moved_at),
    (returned > 0, 'refund', pg_temp.refund_id(n), email,
        jsonb_build_object('amount', total * returned / 100), refunded_at),
    (status = 'failed', 'payment_failed',
        pg_temp.attempt_id(n, tries, created_at)::text, email, '{}', moved_at)
) written (is_written, kind, cause, recipient, context, written_at) WHERE is_written
"""

# As long as they are kept.
STRIPE_EVENTS = """
INSERT INTO stripe_events (id, type, payload, outcome, received_at)
SELECT event_id, type, template || jsonb_build_object('id', event_id, 'type', type,
        'created', extract(epoch FROM at)::bigint, 'data', jsonb_build_object('object',
            (template -> 'data' -> 'object') || thing)), 'applied', at
FROM sales JOIN baskets ON baskets.place = basket
CROSS JOIN LATERAL (SELECT (parameters -> 'metadata') || jsonb_build_object(
    'order_id', id, 'attempt_id', pg_temp.attempt_id(n, tries, created_at),
    'order_number', pg_temp.number(count)) AS metadata,
    %(shop)s || '/orders/' || pg_temp.token(n) AS page) marked
CROSS JOIN LATERAL (SELECT jsonb_build_object('id', pg_temp.session_id(n, tries),
    'metadata', metadata, 'cancel_url', page || '?from=cancel',
    'success_url', page || '?from=payment', 'customer_email', email,
    'client_reference_id', id, 'amount_total', total, 'amount_subtotal', total,
    'payment_intent', pg_temp.payment_id(n)) AS session,
    jsonb_build_object('id', pg_temp.payment_id(n), 'metadata', metadata,
    'amount', total, 'amount_received', total, 'status', 'succeeded') AS payment,
    jsonb_build_object('id', pg_temp.refund_id(n), 'amount', total * returned / 100,
    'payment_intent', pg_temp.payment_id(n), 'status', 'succeeded') AS refund) things
CROSS JOIN LATERAL (VALUES
    (1, status IN ('paid', 'refunded', 'failed'), 'checkout.session.completed',
        %(session)s::jsonb, session, moved_at),
    (2, status IN ('paid', 'refunded'), 'payment_intent.succeeded',
        %(payment_intent)s::jsonb, payment, moved_at),
    (3, status = 'canceled' OR tries = 2, 'checkout.session.expired',
        %(session)s::jsonb, session, created_at + interval '61 minutes'),
    (4, status = 'failed', 'checkout.session.async_payment_failed',
        %(session)s::jsonb, session, moved_at),
    (5, returned > 0, 'refund.created', %(refund)s::jsonb, refund, refunded_at),
    (6, returned > 0, 'refund.updated', %(refund)s::jsonb, refund, refunded_at)
) told (place, is_told, type, template, thing, at)
CROSS JOIN LATERAL (SELECT 'evt_1' || left(pg_temp.digest(n, 'evt' || told.place), 23)
    AS event_id) named
WHERE created_at > now() - interval '90 days' AND is_told
"""

REQUESTS = """
INSERT INTO checkout_requests (key, fingerprint, order_id, answer, created_at)
SELECT 'api:' || pg_temp.token(-n), pg_temp.digest(n, 'f') || pg_temp.digest(n, 'p'),
    id, jsonb_build_object('order_id', id, 'number', pg_temp.number(count),
        'page_token', pg_temp.token(n), 'status', 'pending', 'checkout_url',
        'https://checkout.stripe.com/c/pay/' || pg_temp.session_id(n, 1),
        'currency', 'EUR', 'total_amount', total, 'expires_at',
        to_char(created_at + interval '60 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
    created_at
FROM sales JOIN baskets ON place = basket WHERE created_at > now() - interval '3 days'
"""

PAYABLES = """
SELECT id, pg_temp.attempt_id(n, 1, created_at), pg_temp.session_id(n, 1),
    pg_temp.number(count), pg_temp.token(n), total, 'EUR'
FROM sales JOIN baskets ON place = basket ORDER BY n
"""
