"""`/v1/…`: keys, encoding, idempotency, faults and errors around each operation."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from .api_faults import CallFaults
from .decoding import nest, read_pairs
from .errors import INVALID_REQUEST, ApiError
from .expanding import render
from .idempotency import Answer, fingerprint
from .machine import Machine, let_time_pass, machine
from .operations import OPERATIONS, Operation
from .sending import cut, drip
from .shapes import API_VERSION
from .state import NO_CAUSE, JsonObject, State

TEST_KEY = re.compile(r"(sk|rk)_test_\w+")
LIVE_KEY = re.compile(r"(sk|rk|pk)_live_.*")
FORM = "application/x-www-form-urlencoded"


def build_api() -> Blueprint:
    """Give a blueprint with a route for every operation."""
    api = Blueprint("api", __name__)
    for number, operation in enumerate(OPERATIONS):
        api.add_url_rule(
            operation.path,
            endpoint=f"operation_{number}",
            view_func=_serve,
            methods=[operation.method],
            defaults={"operation": operation},
            provide_automatic_options=False,
        )
    return api


def tell_trouble(error: HTTPException) -> Response:
    """Answer a path or a method that the API does not have, or a trouble of our own."""
    if error.code in (404, 405):
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        told = ApiError(message, status=404)
    else:
        status = error.code or 500
        kind = "api_error" if status >= 500 else INVALID_REQUEST
        told = ApiError(str(error.description), status=status, kind=kind)
    return _response(_refusal(told, _request_id(machine())))


@dataclass(frozen=True)
class Call:
    """One request for an operation, read but not yet understood."""

    operation: Operation
    # The object's id in the path.
    key: str
    request_id: str
    raw: JsonObject
    # The idempotency key, where it counts.
    once: str
    asked: str


def _serve(operation: Operation, key: str = "") -> Response:
    works = machine()
    request_id = _request_id(works)
    try:
        _check_key()
        return _answer_once(works, _read_call(operation, key, request_id))
    except ApiError as error:
        return works.deliver_after(_response(_refusal(error, request_id)))


def _read_call(operation: Operation, key: str, request_id: str) -> Call:
    pairs = _pairs()
    once = request.headers.get("Idempotency-Key", "")
    if operation.method != "POST":
        once = ""
    asked = fingerprint(request.method, request.path, pairs)
    return Call(operation, key, request_id, nest(pairs), once, asked)


def _answer_once(works: Machine, call: Call) -> Response:
    """Answer, or give the answer kept under the idempotency key.

    Faults strike repeats too, as an outage does.
    """
    replay = works.kept.begin(call.once, call.asked) if call.once else None
    try:
        struck = works.faults.take("api", method=request.method, path=request.path)
        faults = CallFaults(struck, call.request_id, call.once)
        answer = _repeat(faults, replay) if replay else _answer(works, call, faults)
    finally:
        if call.once and not replay:
            works.kept.end(call.once)
    response = works.deliver_after(_response(answer))
    if answer is replay:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = answer.request_id
    return _sent(works, response, answer, faults)


def _sent(
    works: Machine, response: Response, answer: Answer, faults: CallFaults
) -> Response:
    """Send an answer, or let faults spoil how it goes out.

    Stripe's events do not wait for a client that is kept waiting.
    """
    if faults:
        works.courier.collect()
    faults.linger()
    if answer.cut:
        return cut(response, answer.cut)
    dripping = faults.dripping()
    return drip(response, dripping) if dripping else response


def _repeat(faults: CallFaults, replay: Answer) -> Answer:
    return faults.before() or faults.after(replay)


def _answer(works: Machine, call: Call, faults: CallFaults) -> Answer:
    """Do the operation, with whatever faults strike it.

    What was done is kept under the key, whatever was told: as at Stripe, a repeat then
    tells it. Only an answer that a fault wants kept takes its place.
    """
    instead = faults.before()
    if instead:
        _keep(works, call, instead)
        return instead
    with works.state.lock:
        answer = _do(works.state, call)
        faults.work(works.state, answer)
        told = faults.after(answer)
        _keep(works, call, told if told.kept else answer)
    return told


def _keep(works: Machine, call: Call, answer: Answer) -> None:
    if call.once:
        works.kept.keep(call.once, call.asked, answer)


def _do(state: State, call: Call) -> Answer:
    let_time_pass(state)
    if call.operation.method == "POST":
        state.cause = {"id": call.request_id, "idempotency_key": call.once or None}
    try:
        params: dict[str, Any] = call.operation.params.read(call.raw)
        shown = call.operation.do(state, params, call.key)
        body = render(state, shown, params.get("expand", []))
    except ApiError as error:
        return _refusal(error, call.request_id)
    finally:
        state.cause = NO_CAUSE
    return Answer(200, body, call.request_id)


def _refusal(error: ApiError, request_id: str) -> Answer:
    """Tell an error; refused parameters are not kept under an idempotency key."""
    is_validation = error.status in (400, 404) and error.param is not None
    return Answer(error.status, error.body(), request_id, kept=not is_validation)


def _response(answer: Answer) -> Response:
    if isinstance(answer.body, str):
        response = Response(answer.body, mimetype="text/html")
    else:
        response = jsonify(answer.body)
    response.status_code = answer.status
    version = request.headers.get("Stripe-Version", API_VERSION)
    response.headers["Stripe-Version"] = version
    response.headers["Request-Id"] = answer.request_id
    if "Idempotency-Key" in request.headers:
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    return response


def _request_id(works: Machine) -> str:
    return works.state.ids.make("req_")


def _check_key() -> None:
    """Take any test key, as a bearer or as the user of Basic authentication.

    :raises ApiError: 401
    """
    given = _given_key(request.headers.get("Authorization", ""))
    if not given:
        message = "You did not provide an API key. Set the Authorization header:"
        raise ApiError(
            f"{message} 'Authorization: Bearer YOUR_SECRET_KEY'.", status=401
        )
    if LIVE_KEY.fullmatch(given):
        message = "This is the EMULATOR: it takes no live keys. Never send one here."
        raise ApiError(message, status=401)
    if not TEST_KEY.fullmatch(given):
        message = "Invalid API Key provided: the emulator takes any sk_test_… key."
        raise ApiError(message, status=401)


def _given_key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _pairs() -> list[tuple[str, str]]:
    """Read the query of a GET, the body of a POST.

    :raises ApiError: the body is not form-encoded (400)
    """
    if request.method == "GET":
        return read_pairs(request.query_string)
    body = request.get_data()
    if body and request.mimetype != FORM:
        message = f"Invalid request (check that your POST content type is {FORM})."
        raise ApiError(message)
    return read_pairs(body)
