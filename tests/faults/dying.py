"""Processes of the shop that die at a named place, as if by a power cut."""

import multiprocessing
import os
import signal
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from storefront import create_app
from storefront.checkout.open_payment import open_payment
from storefront.failpoints import arm
from storefront.scheduler.jobs import run_now
from storefront.scheduler.timetable import get_job
from storefront.settings import read_settings
from tests.factories.events import WEBHOOKS, sign
from tests.fixtures.shop import CUSTOMER, READING, Shop

# Forks from a small process that has imported what is needed, and runs no threads.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])

KEY = "the-wish-of-one-customer"
BODY = {"items": [{"service_id": READING, "quantity": 1}], "customer": CUSTOMER}


def environment_of(shop: Shop) -> dict[str, str]:
    """Give the settings of a shop, for another process of the same shop."""
    settings = shop.app.config["SETTINGS"]
    given = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        given[name.upper()] = str(value).replace("+psycopg2", "")
    return given


def die(shop: Shop, place: str, deed: str, *arguments: Any) -> bool:
    """Do a deed in another process; whether it died at the place."""
    process = _processes.Process(
        target=_act, args=(environment_of(shop), place, deed, arguments)
    )
    process.start()
    process.join(30)
    assert process.exitcode is not None, f"{deed} hangs"
    code = process.exitcode
    process.close()
    return code == -signal.SIGKILL


def _act(
    environment: dict[str, str], place: str, deed: str, arguments: tuple[Any, ...]
) -> None:
    os.environ["FAILPOINT"] = place
    arm(place)
    app = create_app(read_settings(environment))
    DEEDS[deed](app.test_client(), *arguments)


def checkout(client: FlaskClient) -> None:
    """Check out, as a customer does."""
    client.post("/api/checkout", json=BODY, headers={"Idempotency-Key": KEY})


def webhook(client: FlaskClient, body: bytes) -> None:
    """Take in an event."""
    client.post(WEBHOOKS, data=body, headers={"Stripe-Signature": sign(body)})


def page(client: FlaskClient, path: str) -> None:
    """Look at a page."""
    client.get(path)


def pay_again(client: FlaskClient, order_id: str) -> None:
    """Open the payment page of an order once more."""
    with client.application.app_context():
        open_payment(UUID(order_id))


def job(client: FlaskClient, name: str) -> None:
    """Run a job."""
    with client.application.app_context():
        run_now(get_job(name))


DEEDS = {
    "checkout": checkout,
    "webhook": webhook,
    "page": page,
    "pay_again": pay_again,
    "job": job,
}


def let_leases_end(shop: Shop) -> None:
    """Let the time pass after which what a dead process held is free."""
    shop.rows("UPDATE scheduled_jobs SET leased_until = NULL")
    shop.rows("UPDATE checkout_requests SET claimed_until = NULL")
    shop.rows("UPDATE checkout_attempts SET asked_at = now() - interval '1 hour'")
