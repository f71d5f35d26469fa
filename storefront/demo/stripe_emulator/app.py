"""The emulator as a Flask app: the API, the payment page, the control API, the desk."""

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from .api import build_api, tell_trouble
from .config import EmulatorConfig
from .control import control
from .currencies import written
from .guard import harden, refuse_strangers
from .machine import EXTENSION, build_machine
from .payment_page import payment_page
from .people_page import moment, people_page

# Far more than the hundred lines and fifty metadata that Stripe takes.
LARGEST_BODY = 2_000_000


def create_emulator(config: EmulatorConfig | None = None) -> Flask:
    """Build the app; its threads start with `serve` or `running_emulator`."""
    app = Flask(__name__, static_url_path="/_static")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["money"] = written
    app.jinja_env.filters["moment"] = moment
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions[EXTENSION] = build_machine(config or EmulatorConfig())
    app.before_request(refuse_strangers)
    app.after_request(harden)
    app.register_error_handler(HTTPException, _tell)
    app.register_blueprint(build_api())
    app.register_blueprint(control)
    app.register_blueprint(payment_page)
    app.register_blueprint(people_page)
    return app


def _tell(error: HTTPException) -> Response:
    """Tell an error in the language of whoever asked."""
    if request.path.startswith("/v1/"):
        return tell_trouble(error)
    status = error.code or 500
    if request.path.startswith("/_control/"):
        answer = jsonify({"error": {"message": error.description}})
    else:
        answer = Response(render_template("stripe_emulator/error.html", error=error))
    answer.status_code = status
    return answer
