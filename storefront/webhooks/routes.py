"""Where Stripe delivers its events."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from storefront.errors import OrderUnknown
from storefront.extensions import csrf
from storefront.gateway.errors import BodyUnusable, ClocksDiffer, SignatureInvalid
from storefront.gateway.signature import read_delivery
from storefront.settings import current_settings
from storefront.web.problems import problem
from storefront.webhooks.inbox import receive

blueprint = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
csrf.exempt(blueprint)

# Stripe's largest events are some tens of kilobytes.
LARGEST_BODY = 512 * 1024


@blueprint.post("/stripe", strict_slashes=False)
def stripe() -> ResponseReturnValue:
    """Verify over the raw bytes, apply once, answer quickly.

    200 for what is applied, repeated, unknown or not ours; 400 for what nobody we
    trust has signed; 503 when a later delivery may succeed.
    """
    request.max_content_length = LARGEST_BODY
    try:
        event = read_delivery(
            request.get_data(cache=False),
            request.headers.get("Stripe-Signature"),
            current_settings().webhook_secrets,
        )
    except ClocksDiffer as error:
        current_app.logger.error("delivery refused: %s Is our clock right?", error)
        return problem(400, str(error))
    except (SignatureInvalid, BodyUnusable) as error:
        current_app.logger.warning("delivery refused: %s", error)
        return problem(400, str(error))
    try:
        outcome = receive(event)
    except OrderUnknown:
        current_app.logger.error("event %s: the order is not here", event["id"])
        return problem(503, "The order is not here yet.", retry_after=60)
    except OperationalError:
        current_app.logger.exception("event %s: the database is away", event["id"])
        return problem(503, "The database is away.", retry_after=60)
    return {"received": True, "outcome": outcome or "repeated"}
