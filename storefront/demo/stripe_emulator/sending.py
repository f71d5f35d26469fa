"""Answers that go out badly: never, cut off, or byte by byte."""

import os
import select
import socket
import struct
import time
from collections.abc import Iterator

from flask import Response, request

from .faults import Fault

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def cut(response: Response, fault: Fault) -> Response:
    """Let nothing of the answer out, and end the connection."""
    connection = request.environ.get("werkzeug.socket")
    response.response = _Nothing(connection, fault)
    return response


def drip(response: Response, fault: Fault) -> Response:
    """Let the answer out byte by byte."""
    body = response.get_data()
    response.response = _drops(body, fault.ms / 1000)
    response.headers["Content-Length"] = str(len(body))
    return response


def _drops(body: bytes, pause: float) -> Iterator[bytes]:
    for at in range(len(body)):
        yield body[at : at + 1]
        time.sleep(pause)


class _Nothing:
    """A body that ends the connection instead of beginning."""

    def __init__(self, connection: socket.socket | None, fault: Fault) -> None:
        self._connection = connection
        self._fault = fault

    def __iter__(self) -> "_Nothing":
        return self

    def __next__(self) -> bytes:
        if self._connection and self._fault.do == "timeout":
            _hold_open(self._connection, self._fault.ms / 1000)
        elif self._connection:
            _reset(self._connection)
        raise ConnectionAbortedError("cut on demand")


def _hold_open(connection: socket.socket, seconds: float) -> None:
    """Say nothing until the time is over or the other side has had enough; close."""
    select.select([connection], [], [], seconds)
    connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    """Send a reset at once, leaving the server a dead socket in the same place.

    The server still holds on to the connection in several ways; its number is given to
    a socket whose other side is closed, so that whatever it does there ends quietly.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    dead, other = socket.socketpair()
    other.close()
    os.dup2(dead.fileno(), connection.fileno())
    dead.close()
