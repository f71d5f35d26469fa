"""The least that can stand in for Stripe: a new session for each question, in a while.

The emulator checks, remembers and tells, on the cores that the shop should have: where
many check out at once, this one answers them. `python -m bench.stripe_stub PORT`.
"""

import asyncio
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from bench.orders import PAYLOADS
from storefront.demo.ports import LOOPBACK

SESSIONS = "/v1/checkout/sessions"
PAUSE = "/pause/"
ANSWER = (
    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)


class Stub:
    """Sessions without a memory, and how long each of them takes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seconds = 0.0
        self._numbers = count(1)
        event = json.loads(PAYLOADS.read_text("utf-8"))["session"]
        self._template: dict[str, Any] = event["data"]["object"]

    async def talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one question after the other, until the line is closed."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(length_of(head))
                writer.write((await self._answer(head, body.decode())).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, head: str, form: str) -> str:
        path = head.split(" ", 2)[1]
        if path.startswith(PAUSE):
            self._seconds = float(path.removeprefix(PAUSE))
            return answer("200 OK", {})
        if path != SESSIONS:
            return answer("404 Not Found", {"error": {"message": "Not played here."}})
        await asyncio.sleep(self._seconds)
        return answer("200 OK", self._session(parse_qsl(form)))

    def _session(self, asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
        told = dict(asked)
        name = f"cs_test_{time.time_ns()}_{next(self._numbers)}"
        amount = amount_of(told)
        return self._template | {
            "id": name,
            "url": f"{self._url}/c/pay/{name}",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "created": int(time.time()),
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": told["line_items[0][price_data][currency]"],
            "customer_email": told.get("customer_email"),
            "client_reference_id": told.get("client_reference_id"),
            "expires_at": int(told["expires_at"]),
            "metadata": members(told, "metadata"),
            "success_url": told.get("success_url"),
            "cancel_url": told.get("cancel_url"),
        }


def length_of(head: str) -> int:
    """Give how many bytes follow the head of a request."""
    lines = (line.partition(":") for line in head.lower().splitlines())
    return next((int(value) for name, _, value in lines if name == "content-length"), 0)


def amount_of(told: dict[str, str]) -> int:
    """Add up the lines of a session that is asked for, in minor units."""
    lines = {name.split("]", 1)[0] for name in told if name.startswith("line_items[")}
    return sum(
        int(told[f"{line}][price_data][unit_amount]"]) * int(told[f"{line}][quantity]"])
        for line in lines
    )


def members(told: dict[str, str], name: str) -> dict[str, str]:
    """Give the members of an object in a form: `name[member]`."""
    begin = f"{name}["
    return {
        key[len(begin) : -1]: value
        for key, value in told.items()
        if key.startswith(begin)
    }


def answer(status: str, thing: object) -> str:
    """Write an answer."""
    body = json.dumps(thing)
    return ANSWER.format(status=status, length=len(body), body=body)


async def serve(port: int) -> None:
    """Serve until told to end."""
    stub = Stub(f"http://{LOOPBACK}:{port}")
    server = await asyncio.start_server(stub.talk, LOOPBACK, port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
