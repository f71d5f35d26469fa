"""`/_control/…`: what tests and outside checks may see and make happen, in JSON.

POST endpoints {"url", "secret"}: deliver to this URL too; several secrets, separated by
    commas, all sign. DELETE endpoints/<id>: no more, retries included.
POST reset {"endpoints": false}: forget everything, faults and clock too; the endpoints
    only when told.
GET ledger: sessions, payment_intents, charges, refunds, disputes, balance_transactions,
    products, events, deliveries; endpoints (without secrets), faults and clock besides.
POST sessions/<id>/pay {"outcome"}: paid, declined, delayed, delayed_succeeds,
    delayed_fails; optional "email", "name", "shipping" {"name", "address"}, "card".
POST sessions/<id>/expire: as the API does.
POST refunds/<id>/status {"status", "lowers_charge": true}: a refund moves on; a failed
    or canceled one takes itself out of the charge's amount_refunded, or does not.
GET, POST faults {"faults": [...]}: see, replace; the module `faults` tells the form.
POST clock {"advance": seconds} or {"speed": emulated seconds per real one}, or both.
POST events/<id>/resend: to every endpoint once more.
POST deliveries/release: send what a "hold" fault kept back.
POST wait {"timeout": 5, "retries": true}: until nothing is left to deliver; without
    retries, attempts that wait for their next time do not count.

Errors are {"error": {"message", …}} with 400, 404 or 409.
"""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import deeds, events, refunds, sessions
from .errors import ApiError, parameter_invalid, resource_missing
from .faults import read_fault
from .machine import machine
from .state import JsonObject, State

control = Blueprint("control", __name__, url_prefix="/_control")
LONGEST_WAIT = 60.0


@control.errorhandler(ApiError)
def refuse(error: ApiError) -> tuple[Response, int]:
    """Tell an error."""
    return jsonify(error.body()), error.status


@control.after_request
def deliver(response: Response) -> Response:
    """Send what happened once the answer has gone out."""
    return machine().deliver_after(response)


@control.post("/endpoints")
def add_endpoint() -> tuple[Response, int]:
    """Add an endpoint."""
    url, secret = _member("url", str), _member("secret", str)
    with machine().state.lock:
        endpoint = machine().state.add_endpoint(url, secret)
    return jsonify(_without_secret(endpoint)), 201


@control.delete("/endpoints/<key>")
def delete_endpoint(key: str) -> Response:
    """Take an endpoint away."""
    with machine().state.lock:
        endpoint = machine().state.endpoints.pop(key, None)
    if endpoint is None:
        raise resource_missing("endpoint", key)
    return jsonify(_without_secret(endpoint))


@control.post("/reset")
def reset() -> Response:
    """Forget everything."""
    machine().faults.set([])
    with machine().state.lock:
        machine().state.forget(endpoints=_member("endpoints", bool, False))
    machine().courier.forget()
    return jsonify({"reset": True})


@control.get("/ledger")
def ledger() -> Response:
    """Show everything."""
    state = machine().state
    with state.lock:
        shown: dict[str, Any] = state.snapshot()
        shown["endpoints"] = [_without_secret(row) for row in state.endpoints.values()]
        shown["clock"] = _clock(state)
    shown["faults"] = [asdict(fault) for fault in machine().faults.listed()]
    return jsonify(shown)


@control.post("/sessions/<key>/pay")
def pay(key: str) -> Response:
    """Bring a session to an outcome."""
    outcome = _member("outcome", str)
    with machine().state.lock:
        return jsonify(deeds.play(machine().state, key, outcome, _body()))


@control.post("/sessions/<key>/expire")
def expire(key: str) -> Response:
    """Expire a session."""
    with machine().state.lock:
        return jsonify(sessions.expire(machine().state, key))


@control.post("/refunds/<key>/status")
def turn_refund(key: str) -> Response:
    """Move a refund on."""
    status, lowers = _member("status", str), _member("lowers_charge", bool, True)
    with machine().state.lock:
        turned = refunds.turn(machine().state, key, status, lowers_charge=lowers)
        return jsonify(turned)


@control.get("/faults")
def show_faults() -> Response:
    """Show the faults set at present."""
    return jsonify({"faults": [asdict(fault) for fault in machine().faults.listed()]})


@control.post("/faults")
def set_faults() -> Response:
    """Replace the faults."""
    machine().faults.set([read_fault(raw) for raw in _member("faults", list)])
    return show_faults()


@control.post("/clock")
def move_clock() -> Response:
    """Advance the clock, or change its speed."""
    seconds = _member("advance", (int, float), 0)
    speed = _member("speed", (int, float), None)
    state = machine().state
    with state.lock:
        if speed is not None:
            state.run_clock_at(speed)
        deeds.advance(state, seconds)
        return jsonify(_clock(state))


@control.post("/events/<key>/resend")
def resend(key: str) -> Response:
    """Deliver an event once more."""
    state = machine().state
    with state.lock:
        event = state.find("events", key)
        if event is None:
            raise resource_missing("event", key)
        return jsonify({"deliveries": events.resend(state, event)})


@control.post("/deliveries/release")
def release() -> Response:
    """Send what was held back."""
    return jsonify({"released": machine().courier.release()})


@control.post("/wait")
def wait() -> Response:
    """Wait until nothing is left to deliver."""
    courier = machine().courier
    timeout = min(_member("timeout", (int, float), 5), LONGEST_WAIT)
    idle = courier.wait_until_idle(timeout, retries=_member("retries", bool, True))
    return jsonify({"idle": idle, "pending": courier.pending()})


def _body() -> JsonObject:
    """Read the JSON body; none is an empty one."""
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ApiError("The body is not a JSON object.")
    return body


def _member(name: str, kind: type | tuple[type, ...], *usual: Any) -> Any:
    """Read a member of the body; one without a usual value must be there."""
    body = _body()
    if name not in body and usual:
        return usual[0]
    value = body.get(name)
    if not isinstance(value, kind):
        raise parameter_invalid(f"`{name}` is missing or of another kind.", name)
    return value


def _without_secret(endpoint: JsonObject) -> JsonObject:
    return {"id": endpoint["id"], "url": endpoint["url"]}


def _clock(state: State) -> JsonObject:
    return {"now": state.now(), "ahead": round(state.clock.ahead(), 3)}
