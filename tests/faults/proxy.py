"""A TCP line that can be made slow, cut, reset or swallowed, between any two programs.

It knows no protocol. What goes wrong is set for all connections, those that are open
and those to come, until `heal`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
CHUNK = 65536


@dataclass
class Faults:
    """What is wrong with the line at present."""

    delay: float = 0.0
    silent: bool = False
    answers_cut: int = 0
    cut_after: int = 0
    resets: bool = False


class Line:
    """One connection: the caller's side, and the side that is called."""

    def __init__(
        self,
        faults: Faults,
        caller: asyncio.StreamWriter,
        called: asyncio.StreamWriter,
    ) -> None:
        self._faults = faults
        self.caller = caller
        self.called = called
        self.swallowed = False

    async def carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        """Carry what one side says to the other until either ends."""
        try:
            while data := await source.read(CHUNK):
                if self._faults.delay:
                    await asyncio.sleep(self._faults.delay)
                if self._faults.silent:
                    self.swallowed = True
                    continue
                if sink is self.caller and self._faults.answers_cut > 0:
                    self._faults.answers_cut -= 1
                    sink.write(data[: self._faults.cut_after])
                    await sink.drain()
                    break
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """End both sides."""
        self.caller.close()
        self.called.close()

    def reset(self) -> None:
        """Break both sides off, as a crashed machine does."""
        for side in (self.caller, self.called):
            if not side.is_closing():
                end = side.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                side.transport.abort()


class Proxy:
    """A running line to one address. `port` is where it is reached."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._there = port
        self._faults = Faults()
        self._lines: set[Line] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait_for(self._listen())

    @property
    def url(self) -> str:
        """Give the origin, for those who speak HTTP over it."""
        return f"http://{LOOPBACK}:{self.port}"

    def be_slow(self, seconds: float) -> None:
        """Hold everything back for so long, in both directions."""
        self._faults.delay = seconds

    def swallow(self) -> None:
        """Take connections and what is said on them, and pass nothing on."""
        self._faults.silent = True

    def cut_answers(self, after: int = 0, times: int = 10**6) -> None:
        """End the next connections within an answer, after so many bytes of it."""
        self._faults.cut_after, self._faults.answers_cut = after, times

    def reset_all(self) -> None:
        """Reset the connections that are open, and every new one."""
        self._faults.resets = True
        self._wait_for(self._reset_lines())

    def break_once(self) -> None:
        """Reset the connections that are open; new ones are carried."""
        self._wait_for(self._reset_lines())

    def refuse(self) -> None:
        """Let nobody connect, and reset whoever is."""
        self._wait_for(self._refuse())

    def heal(self) -> None:
        """Carry everything again; lines that have lost something end."""
        self._wait_for(self._heal())

    def close(self) -> None:
        """End for good."""
        self._wait_for(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            there, called = await asyncio.open_connection(LOOPBACK, self._there)
        except OSError:
            writer.transport.abort()
            return
        line = Line(self._faults, writer, called)
        if self._faults.resets:
            line.reset()
            return
        self._lines.add(line)
        await asyncio.gather(line.carry(reader, called), line.carry(there, writer))
        self._lines.discard(line)

    async def _reset_lines(self) -> None:
        for line in self._lines:
            line.reset()
        await self._rest()

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._reset_lines()

    async def _heal(self) -> None:
        self._faults.__init__()  # type: ignore[misc]
        for line in self._lines:
            if line.swallowed:
                line.reset()
        await self._rest()
        if self._server is None:
            await self._listen()

    async def _rest(self) -> None:
        """Let those who carried notice that their line has ended."""
        for _ in range(3):
            await asyncio.sleep(0)

    def _wait_for(self, deed) -> None:  # type: ignore[no-untyped-def]
        asyncio.run_coroutine_threadsafe(deed, self._loop).result(10)


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """Run a line to a port of this machine."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
