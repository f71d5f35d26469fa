"""Asking Stripe: a handful of calls with one budget of time, answers in our types."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, cast
from urllib.parse import quote, urlsplit

import requests
import stripe
from requests.exceptions import ChunkedEncodingError

from storefront.gateway.errors import (
    AnswerUnusable,
    BodyUnusable,
    GatewayUnavailable,
    RequestRefused,
    SessionUnknown,
)
from storefront.gateway.port import (
    DisputeSeen,
    Page,
    PaymentSeen,
    RefundSeen,
    SessionSeen,
    Thing,
)
from storefront.gateway.reading import (
    read_charge,
    read_dispute,
    read_refund,
    read_session,
)

# The version that SDK 16.1.0 was made for; named so that an upgrade is a decision.
API_VERSION = "2026-10-28.endive"
# A customer waits at most this long, tries and pauses together.
BUDGET_SECONDS = 10.0
# One silent try must leave room for another within the budget.
CONNECT_SECONDS, READ_SECONDS = 2.0, 4.5
RETRIES = 2
# Of a worker's 40 threads, eight are left for pages and webhooks while Stripe is
# silent; who finds no room is told to try again, soon.
CALLS_AT_ONCE = 32
QUEUE_SECONDS = 0.5

# Otherwise the first request writes an id into the user's folder (SDK 16.1.0).
stripe.enable_telemetry = False

_calls = BoundedSemaphore(CALLS_AT_ONCE)
_deadline: ContextVar[float] = ContextVar("deadline")


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Let all calls within this block take so long together, and no call longer."""
    ends = time.monotonic() + seconds
    token = _deadline.set(min(ends, _deadline.get(ends)))
    try:
        yield
    finally:
        _deadline.reset(token)


def _left() -> float:
    return _deadline.get() - time.monotonic()


class _BudgetedClient(stripe.RequestsClient):
    """The SDK's own HTTP client, never beyond the budget of the present call.

    A requests timeout counts each silence anew; so the whole answer is read against
    the deadline, or a server that drips bytes could hold a customer for ever.
    """

    def __init__(self, *, trust_env: bool) -> None:
        super().__init__()
        self._trust_env = trust_env

    def _request_internal(
        self,
        method: str,
        url: str,
        headers: Any,
        post_data: Any,
        is_streaming: bool,  # noqa: ARG002
    ) -> Any:
        read = max(0.1, min(READ_SECONDS, _left()))
        try:
            with self._connections().request(
                method,
                url,
                headers=headers,
                data=post_data,
                timeout=(min(CONNECT_SECONDS, read), read),
                stream=True,
                allow_redirects=False,
                verify=stripe.ca_bundle_path,
            ) as answer:
                return _read_whole(answer), answer.status_code, answer.headers
        except ChunkedEncodingError as error:
            # An answer that was cut: the same key may ask for it again.
            self._handle_request_error(requests.ConnectionError(error))
        except requests.RequestException as error:
            self._handle_request_error(error)

    def _connections(self) -> requests.Session:
        # One per thread: requests does not promise more.
        if not hasattr(self._thread_local, "session"):
            self._thread_local.session = requests.Session()
            self._thread_local.session.trust_env = self._trust_env
        return cast(requests.Session, self._thread_local.session)

    def _should_retry(self, response: Any, *arguments: Any) -> bool:
        return _left() > 1.5 and super()._should_retry(response, *arguments)


def _read_whole(answer: requests.Response) -> bytes:
    parts = []
    for part in answer.iter_content(65536):
        parts.append(part)
        if _left() <= 0:
            raise requests.Timeout("The answer took too long.")
    return b"".join(parts)


class StripeGateway:
    """Stripe's API as far as the shop needs it. Safe for threads.

    Every method :raises GatewayUnavailable: if there is no usable answer in time,
    and :raises RequestRefused: if Stripe will not do it however often it is asked.
    """

    def __init__(self, key: str | None, api_base: str | None) -> None:
        # Proxies of the environment do not lead to this machine.
        here = urlsplit(api_base or "").hostname in ("127.0.0.1", "localhost", "::1")
        self._client = stripe.StripeClient(
            key or "sk_test_unset",
            base_addresses={"api": api_base} if api_base else {},
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=_BudgetedClient(trust_env=not here),
        )

    def create_session(self, parameters: Any, idempotency_key: str) -> SessionSeen:
        """Open a Checkout Session; the same key gives the same one for 24 hours.

        :param parameters: as parameters.py made them and the attempt stored them.
        """
        return self._session("post", idempotency_key=idempotency_key, **parameters)

    def get_session(
        self, session_id: str, budget: float = BUDGET_SECONDS
    ) -> SessionSeen:
        """Look how far a Checkout Session has come.

        :raises SessionUnknown: if Stripe does not know it.
        """
        path = f"/{quote(session_id, safe='')}"
        return self._session("get", path, budget, expand=["payment_intent"])

    def expire_session(self, session_id: str) -> SessionSeen:
        """Close an open Checkout Session, or give what it has become instead.

        Stripe: only an open one can be expired; a refusal means "look again".

        :raises SessionUnknown: if Stripe does not know it.
        """
        try:
            return self._session("post", f"/{quote(session_id, safe='')}/expire")
        except SessionUnknown:
            raise
        except RequestRefused:
            return self.get_session(session_id)

    def list_refunds(self, payment_intent_id: str) -> list[RefundSeen]:
        """List all refunds of a payment."""
        refunds: list[RefundSeen] = []
        after: str | None = None
        with time_budget(BUDGET_SECONDS):
            while True:
                page = self._page(
                    "refunds", read_refund, after, payment_intent=payment_intent_id
                )
                refunds += page.things
                after = page.after
                if after is None:
                    return refunds

    def list_sessions(
        self, since: datetime, until: datetime, after: str | None
    ) -> Page[SessionSeen]:
        """List Checkout Sessions made within a window, one page."""
        return self._page(
            "checkout/sessions",
            read_session,
            after,
            created=_window(since, until),
            expand=["data.payment_intent"],
        )

    def list_charges(
        self, since: datetime, until: datetime, after: str | None
    ) -> Page[PaymentSeen]:
        """List the payments that charges of a window have collected, one page."""
        window = _window(since, until)
        return self._page("charges", read_charge, after, created=window)

    def list_new_refunds(
        self, since: datetime, until: datetime, after: str | None
    ) -> Page[RefundSeen]:
        """List refunds made within a window, one page."""
        window = _window(since, until)
        return self._page("refunds", read_refund, after, created=window)

    def list_disputes(
        self, since: datetime, until: datetime, after: str | None
    ) -> Page[DisputeSeen]:
        """List disputes opened within a window, one page."""
        window = _window(since, until)
        return self._page("disputes", read_dispute, after, created=window)

    def _page(
        self,
        path: str,
        read: Callable[[dict[str, Any]], Thing | None],
        after: str | None,
        **asked: Any,
    ) -> Page[Thing]:
        start = {"starting_after": after} if after else {}
        with time_budget(BUDGET_SECONDS), _asked():
            listed = self._raw("get", path, limit=100, **start, **asked)
            raw = listed["data"]
            last = raw[-1]["id"] if raw and listed["has_more"] else None
            return Page([thing for one in raw if (thing := _read(read, one))], last)

    def _session(
        self,
        method: str,
        path: str = "",
        budget: float = BUDGET_SECONDS,
        **parameters: Any,
    ) -> SessionSeen:
        with time_budget(budget), _asked():
            return read_session(
                self._raw(method, f"checkout/sessions{path}", **parameters)
            )

    def _raw(self, method: str, path: str, **parameters: Any) -> dict[str, Any]:
        """Ask; the answer is read plainly, as events are.

        To make StripeObjects of it takes the SDK a quarter of a call about one session,
        and four fifths of a page of a hundred.
        """
        answer = self._client.raw_request(method, f"/v1/{path}", **parameters)
        return cast(dict[str, Any], answer.data)


def _window(since: datetime, until: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp()), "lte": int(until.timestamp())}


def _read(
    read: Callable[[dict[str, Any]], Thing | None], one: dict[str, Any]
) -> Thing | None:
    """Read one of a listing; what another program made on the account may not fit."""
    try:
        return read(one)
    except BodyUnusable:
        return None


@contextmanager
def _asked() -> Iterator[None]:
    """Ask as one of a few, and turn the SDK's errors into ours.

    Texts of Stripe's stay out of them.
    """
    if not _calls.acquire(timeout=QUEUE_SECONDS):
        raise GatewayUnavailable("Too many calls to Stripe are waiting already.")
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == "resource_missing":
            raise SessionUnknown("Stripe does not know that object.") from error
        raise RequestRefused(
            f"Stripe refuses the request: {error.code or error.param}"
        ) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        kind = AnswerUnusable if status == 200 or status >= 500 else GatewayUnavailable
        raise kind(f"{type(error).__name__}, status {status}") from error
    except (BodyUnusable, AttributeError, TypeError, ValueError, KeyError) as error:
        # A 2xx that is no such object: the SDK fails on it in many ways.
        raise AnswerUnusable("Stripe's answer makes no sense.") from error
    finally:
        _calls.release()
