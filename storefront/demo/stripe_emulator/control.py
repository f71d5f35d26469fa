"""`/_control/…`: what tests and outside checks may see and make happen, in JSON.

POST endpoints {"url", "secret", "enabled_events": ["*"]}: deliver events of these types
    to this URL too; several secrets, separated by commas, all sign.
DELETE endpoints/<id>: no more, retries included.
POST reset {"endpoints": false}: forget everything, faults and clock too; the endpoints
    only when told.
GET ledger: sessions, payment_intents, charges, refunds, disputes, balance_transactions,
    products, events, deliveries; endpoints (without secrets), faults and clock besides.
    `?tables=charges,refunds` gives those tables only.
POST sessions/<id>/pay {"outcome"}: paid, declined, delayed, delayed_succeeds,
    delayed_fails; optional "email", "name", "shipping" {"name", "address"}, "card".
POST sessions/<id>/expire: as the API does.
POST refunds/<id>/status {"status", "lowers_charge": true}: a refund moves on; a failed
    or canceled one takes itself out of the charge's amount_refunded, or does not.
POST charges/<id>/dispute {"inquiry": false, "reason": "fraudulent", "amount": all}.
POST disputes/<id>/status {"status"}: under_review, warning_under_review, or (of an
    inquiry that becomes a dispute) needs_response.
POST disputes/<id>/close {"outcome"}: won, lost, or (an inquiry) warning_closed.
GET, POST faults {"faults": [...]}: see, replace; the module `faults` tells the form.
POST clock {"advance": seconds} or {"speed": emulated seconds per real one}, or both.
POST events/<id>/resend {"copies": 1, "together": false}: to every endpoint once more,
    or so often, if told at the same moment.
POST events/foreign {"kind"}: an event of another project: payment, subscription,
    customer, invoice, intent, refund.
POST deliveries/release {"types": ["*"], "together": false, "seed": none}: send what a
    "hold" fault kept back, in the order of the types (patterns), the rest staying held;
    one after the other, or at the same moment; with a seed, shuffled.
POST wait {"timeout": 5, "retries": true}: until nothing is left to deliver; without
    retries, attempts that wait for their next time do not count.

Errors are {"error": {"message", …}} with 400, 404 or 409.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import companions, deeds, disputes, events, refunds, sessions
from .errors import ApiError, parameter_invalid, resource_missing
from .faults import MOST_COPIES, read_fault
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
    kinds = [str(kind) for kind in _member("enabled_events", list, ["*"])]
    with machine().state.lock:
        endpoint = machine().state.add_endpoint(url, secret, kinds)
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
    machine().forget(endpoints=_member("endpoints", bool, False))
    return jsonify({"reset": True})


@control.get("/ledger")
def ledger() -> Response:
    """Show everything."""
    state = machine().state
    only = [name for name in request.args.get("tables", "").split(",") if name]
    shown: dict[str, Any] = {"faults": machine().faults.told()}
    with state.lock:
        shown |= state.shown(only)
        shown["endpoints"] = [_without_secret(row) for row in state.endpoints.values()]
        shown["clock"] = _clock(state)
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


@control.post("/charges/<key>/dispute")
def dispute(key: str) -> Response:
    """Dispute a charge."""
    with machine().state.lock:
        made = deeds.dispute(
            machine().state,
            key,
            inquiry=_member("inquiry", bool, False),
            reason=_member("reason", str, disputes.USUAL_REASON),
            amount=_member("amount", int, None),
        )
        return jsonify(made)


@control.post("/disputes/<key>/status")
def move_dispute(key: str) -> Response:
    """Move a dispute on."""
    status = _member("status", str)
    with machine().state.lock:
        return jsonify(disputes.move(machine().state, key, status))


@control.post("/disputes/<key>/close")
def close_dispute(key: str) -> Response:
    """End a dispute."""
    outcome = _member("outcome", str)
    with machine().state.lock:
        return jsonify(disputes.close(machine().state, key, outcome))


@control.get("/faults")
def show_faults() -> Response:
    """Show the faults set at present."""
    return jsonify({"faults": machine().faults.told()})


@control.post("/faults")
def set_faults() -> Response:
    """Replace the faults; what has happened already still meets those before."""
    machine().courier.collect()
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
    copies, together = _member("copies", int, 1), _member("together", bool, False)
    if not 1 <= copies <= MOST_COPIES:
        raise parameter_invalid(f"The copies are 1 to {MOST_COPIES}.", "copies")
    state, courier = machine().state, machine().courier

    def lay_out() -> list[JsonObject]:
        event = state.find("events", key)
        if event is None:
            raise resource_missing("event", key)
        return events.resend(state, event, copies)

    if together:
        return jsonify({"deliveries": courier.send_together(lay_out)})
    with state.lock:
        return jsonify({"deliveries": lay_out()})


@control.post("/events/foreign")
def tell_foreign() -> Response:
    """Tell something of another project."""
    name, state = _member("kind", str), machine().state
    if name not in companions.FOREIGN:
        known = ", ".join(companions.FOREIGN)
        raise parameter_invalid(f"The kind is one of: {known}.", "kind")
    with state.lock:
        kind, shown = companions.foreign(state, name)
        events.emit(state, kind, shown)
    return jsonify(shown)


@control.post("/deliveries/release")
def release() -> Response:
    """Send what was held back."""
    released = machine().courier.release(
        [str(kind) for kind in _member("types", list, ["*"])],
        together=_member("together", bool, False),
        seed=_member("seed", int, None),
    )
    return jsonify({"released": released})


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
