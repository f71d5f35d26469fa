"""What the contract tests share: a checked SDK client, a webhook receiver, sessions."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import stripe

from tests.contract.description import ApiDescription, load_description
from tests.fixtures.emulator import EmulatorHand

SECRET = "whsec_of_these_tests"
NewSession = Callable[..., stripe.checkout.Session]


class CheckedHttpClient(stripe.RequestsClient):
    """Hold each of the SDK's requests, and its answer, against the description."""

    def __init__(self, description: ApiDescription) -> None:
        super().__init__(timeout=(2, 10))
        self._description = description

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any
    ) -> Any:
        answer: Any = super().request(method, url, headers, post_data, **rest)
        body, status, answer_headers = answer
        if str(answer_headers.get("Content-Type", "")).startswith("application/json"):
            self._description.check(method, url, post_data, status, body)
        return answer


@pytest.fixture(scope="session")
def description() -> ApiDescription:
    """Give Stripe's own description of the API, trimmed."""
    return load_description()


@pytest.fixture
def client(
    emulator: EmulatorHand,
    description: ApiDescription,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[stripe.StripeClient]:
    """Give the official SDK, whose every exchange is checked."""
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    http: Any = CheckedHttpClient(description)
    yield stripe.StripeClient(
        "sk_test_contract",
        base_addresses={"api": emulator.url},
        max_network_retries=0,
        http_client=http,
    )
    http.close()


@pytest.fixture
def new_session(client: stripe.StripeClient) -> NewSession:
    """Give a maker of sessions: one line, unless the params say otherwise."""

    def make(
        amount: int = 8000, currency: str = "eur", **params: Any
    ) -> stripe.checkout.Session:
        return client.v1.checkout.sessions.create(
            session_params(amount, currency, **params)
        )

    return make


def session_params(amount: int = 8000, currency: str = "eur", **params: Any) -> Any:
    """Give the parameters of an ordinary session."""
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "Birth chart reading"},
    }
    return {
        "mode": "payment",
        "success_url": "http://shop.example/back?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.example/cancel",
        "line_items": [{"price_data": price, "quantity": 1}],
        **params,
    }


class Receiver:
    """A webhook endpoint that keeps what it got and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Keep a delivery; give the status to answer."""
        self.got.append((headers, body))
        return self.statuses.pop(0) if self.statuses else 200

    def events(self) -> list[stripe.Event]:
        """Give the events, each with its signature verified by the SDK."""
        return [
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
            for headers, body in self.got
        ]

    def types(self) -> list[str]:
        """Give the types of the events."""
        return [event.type for event in self.events()]


@pytest.fixture(scope="session")
def receiver_server() -> Iterator[tuple[ThreadingHTTPServer, dict[str, Receiver]]]:
    """Serve one endpoint for the whole process; the receiver in it is replaced."""
    current: dict[str, Receiver] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = current["receiver"].take(dict(self.headers), body)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", current["receiver"].url)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"thanks\n")

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        # Many deliveries at the same moment must all get in.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server, current
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver(
    emulator: EmulatorHand,
    receiver_server: tuple[ThreadingHTTPServer, dict[str, Receiver]],
) -> Receiver:
    """Give an endpoint that the emulator delivers to."""
    server, current = receiver_server
    current["receiver"] = Receiver()
    current["receiver"].url = f"http://127.0.0.1:{server.server_port}/webhooks"
    emulator.add_endpoint(current["receiver"].url, SECRET)
    return current["receiver"]


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """Give a browser of sorts: keeps nothing back, follows no redirect by itself."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
