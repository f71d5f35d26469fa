"""A backlog: many orders whose time is over, each with an open page at Stripe."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg2
import requests
from psycopg2.extras import execute_values

AT_ONCE = 4
ORDERS = """
    INSERT INTO orders (id, number, page_token, status, line_items, currency,
        total_amount, customer_email, customer_name, locale, provider,
        provider_session_id, expires_at) VALUES %s
"""
ORDER = """(%s::uuid, %s, %s, 'pending', '[]', 'EUR', 8000, 'ana@example.com',
    'Ana Lima', 'en', 'stripe', %s, now() - interval '1 minute')"""
EVENTS = """
    INSERT INTO order_events (id, order_id, event_type, event_metadata) VALUES %s
"""
EVENT = "(gen_random_uuid(), %s::uuid, 'created', '{\"attempt\": 1}')"
ATTEMPTS = """
    INSERT INTO checkout_attempts (id, order_id, position, state, parameters,
        idempotency_key, provider_session_id, asked_at) VALUES %s
"""
ATTEMPT = """(gen_random_uuid(), %s::uuid, 1, 'open', '{}', %s, %s,
    now() - interval '1 hour')"""


def make_backlog(database_url: str, emulator_url: str, count: int) -> Sequence[str]:
    """Write down overdue orders that nobody has paid; give their ids.

    Past the shop, which would take its time over so many.
    """
    ids = [str(uuid4()) for _ in range(count)]
    pages = open_pages(emulator_url, ids)
    base = psycopg2.connect(database_url)
    with base, base.cursor() as cursor:
        orders = [(one, f"B-{one}", one, page) for one, page in pages]
        execute_values(cursor, ORDERS, orders, ORDER, 1000)
        execute_values(cursor, EVENTS, [(one,) for one in ids], EVENT, 1000)
        attempts = [(one, f"{one}/1", page) for one, page in pages]
        execute_values(cursor, ATTEMPTS, attempts, ATTEMPT, 1000)
    base.close()
    return ids


def open_pages(emulator_url: str, references: Sequence[str]) -> list[tuple[str, str]]:
    """Open a session at the emulator for each reference; give both."""

    def open_some(some: Sequence[str]) -> list[tuple[str, str]]:
        with requests.Session() as http:
            http.trust_env = False
            return [(one, _open_page(http, emulator_url, one)) for one in some]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = pool.map(open_some, [references[i::AT_ONCE] for i in range(AT_ONCE)])
        return [pair for part in parts for pair in part]


def _open_page(http: requests.Session, emulator_url: str, reference: str) -> str:
    answer = http.post(
        f"{emulator_url}/v1/checkout/sessions",
        data={
            "mode": "payment",
            "client_reference_id": reference,
            "success_url": "https://shop.example/",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "8000",
            "line_items[0][price_data][product_data][name]": "Birth chart reading",
        },
        headers={"Authorization": "Bearer sk_test_of_the_owner"},
        timeout=30,
    )
    assert answer.ok, answer.text
    told: str = json.loads(answer.text)["id"]
    return told
