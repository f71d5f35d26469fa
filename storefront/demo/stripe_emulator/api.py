"""`/v1/…`: keys, encoding, idempotency, faults and errors around each operation."""

import base64
import binascii
import re
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from .decoding import nest, read_pairs
from .errors import INVALID_REQUEST, ApiError
from .expanding import render
from .faults import Fault
from .idempotency import Answer, fingerprint
from .machine import Machine, let_time_pass, machine
from .operations import OPERATIONS, Operation
from .shapes import API_VERSION
from .state import NO_CAUSE, JsonObject

TEST_KEY = re.compile(r"(sk|rk)_test_\w+")
LIVE_KEY = re.compile(r"(sk|rk|pk)_live_.*")
FORM = "application/x-www-form-urlencoded"
GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body></body></html>"
FAULT_ERRORS = {
    429: ApiError("Too many requests.", status=429, code="rate_limit"),
    409: ApiError(
        "Another request holds this object.", status=409, code="lock_timeout"
    ),
}


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


def _serve(operation: Operation, key: str = "") -> Response:
    works = machine()
    request_id = _request_id(works)
    try:
        _check_key()
        answer, replayed = _answer_once(works, operation, key, request_id)
    except ApiError as error:
        return works.deliver_after(_response(_refusal(error, request_id)))
    response = _response(answer)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = answer.request_id
    return works.deliver_after(response)


def _answer_once(
    works: Machine, operation: Operation, key: str, request_id: str
) -> tuple[Answer, bool]:
    """Answer, or give the answer kept under the idempotency key."""
    pairs = _pairs()
    once = request.headers.get("Idempotency-Key", "")
    if operation.method != "POST" or not once:
        return _answer(works, operation, key, nest(pairs), request_id), False
    asked = fingerprint(request.method, request.path, pairs)
    replay = works.kept.begin(once, asked)
    if replay:
        return replay, True
    answer = None
    try:
        answer = _answer(works, operation, key, nest(pairs), request_id)
    finally:
        works.kept.end(once, asked, answer)
    return answer, False


def _answer(
    works: Machine, operation: Operation, key: str, raw: JsonObject, request_id: str
) -> Answer:
    """Do the operation, with whatever faults strike it."""
    faults = works.faults.take("api", method=request.method, path=request.path)
    for fault in faults:
        if fault.do == "delay":
            time.sleep(fault.ms / 1000)
    for fault in faults:
        if fault.do == "answer" and fault.when == "before":
            return _faulty(fault, request_id)
    answer = _do(works, operation, key, raw, request_id)
    for fault in faults:
        if fault.do == "answer":
            return _faulty(fault, request_id)
        if fault.do == "rewrite" and isinstance(answer.body, dict):
            answer.body.update(fault.members)
    return answer


def _do(
    works: Machine, operation: Operation, key: str, raw: JsonObject, request_id: str
) -> Answer:
    state = works.state
    once = request.headers.get("Idempotency-Key")
    with state.lock:
        let_time_pass(state)
        if request.method == "POST":
            state.cause = {"id": request_id, "idempotency_key": once}
        try:
            params: dict[str, Any] = operation.params.read(raw)
            shown = operation.do(state, params, key)
            body = render(state, shown, params.get("expand", []))
        except ApiError as error:
            return _refusal(error, request_id)
        finally:
            state.cause = NO_CAUSE
    return Answer(200, body, request_id)


def _refusal(error: ApiError, request_id: str) -> Answer:
    """Tell an error; refused parameters are not kept under an idempotency key."""
    is_validation = error.status in (400, 404) and error.param is not None
    return Answer(error.status, error.body(), request_id, kept=not is_validation)


def _faulty(fault: Fault, request_id: str) -> Answer:
    if fault.html:
        return Answer(fault.status, GATEWAY_PAGE, request_id, kept=fault.kept)
    usual = ApiError("The emulator fails on demand.", kind="api_error")
    error = FAULT_ERRORS.get(fault.status, usual)
    return Answer(fault.status, error.body(), request_id, kept=fault.kept)


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
