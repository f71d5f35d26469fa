"""The SDK's call and two commits: what a checkout cannot do without."""

import json
import os
import time
from uuid import uuid4

import stripe
from flask import Flask, Response, request

from bench.bare.database import new_pool

app = Flask(__name__)
pool = new_pool()
client = stripe.StripeClient(
    os.environ["STRIPE_SECRET_KEY"],
    base_addresses={"api": os.environ["STRIPE_API_BASE"]},
)
INSERT = """
    INSERT INTO orders (id, number, page_token, status, line_items, currency,
        total_amount, customer_email, customer_name, locale, provider, expires_at)
    VALUES (%(id)s, %(id)s, %(id)s, 'pending', '[]', 'EUR', 9500, %(email)s, %(name)s,
        'en', 'stripe', now() + interval '30 minutes')
"""
UPDATE = "UPDATE orders SET provider_session_id = %s WHERE id = %s"


@app.get("/")
def ready() -> str:
    """Tell that it is there."""
    return ""


@app.post("/api/checkout")
def checkout() -> Response:
    """Write an order, have its payment page made, write that down."""
    customer = request.get_json()["customer"]
    order_id = str(uuid4())
    _write(INSERT, {"id": order_id, **customer})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 9500,
                        "product_data": {"name": "A reading"},
                    },
                }
            ],
            "customer_email": customer["email"],
            "client_reference_id": order_id,
            "success_url": request.url_root,
            "cancel_url": request.url_root,
            "expires_at": int(time.time()) + 3600,
            "metadata": {"order_id": order_id},
        },
        {"idempotency_key": order_id},
    )
    _write(UPDATE, (session.id, order_id))
    return Response(json.dumps({"checkout_url": session.url}), 201)


def _write(statement: str, values: object) -> None:
    connection = pool.getconn()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    pool.putconn(connection)
