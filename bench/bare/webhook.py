"""A signature, and one statement: all that a payment writes, or one look for it."""

import json
import os
from pathlib import Path

from flask import Flask, Response, request
from stripe import WebhookSignature

from bench.bare.database import new_pool

app = Flask(__name__)
pool = new_pool()
SECRET = os.environ["STRIPE_WEBHOOK_SECRET"]
PAYMENT = Path(__file__).with_name("payment.sql").read_text()


@app.get("/")
def ready() -> str:
    """Tell that it is there."""
    return ""


@app.post("/first")
def first() -> Response:
    """Write a payment down."""
    event = _event()
    session = event["data"]["object"]
    row = _ask(
        PAYMENT,
        {
            "event": event["id"],
            "type": event["type"],
            "payload": json.dumps(event),
            "session": session["id"],
            "payment": session["payment_intent"],
        },
    )
    return Response("{}", 200 if row else 500)


@app.post("/again")
def again() -> Response:
    """Look whether it is written down."""
    known = "SELECT outcome FROM stripe_events WHERE id = %(event)s"
    return Response("{}", 200 if _ask(known, {"event": _event()["id"]}) else 500)


def _event() -> dict:
    body = request.get_data().decode()
    header = request.headers["Stripe-Signature"]
    WebhookSignature.verify_header(body, header, SECRET, tolerance=300)
    return json.loads(body)


def _ask(statement: str, values: dict) -> tuple | None:
    connection = pool.getconn()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    pool.putconn(connection)
    return row
