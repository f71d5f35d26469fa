"""The SMTP side: a server on the loopback address, and the ways it can fail."""

import asyncio
import logging
import threading
from collections import deque
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from storefront.demo.mailbox.letters import Pile
from storefront.demo.ports import LOOPBACK

Command = Literal["RCPT", "DATA"]

# The library reports every command; only what went wrong is of interest.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Faults:
    """What goes wrong next."""

    def __init__(self) -> None:
        self.silent = False
        self.lost_replies = 0
        self.replies: dict[Command, deque[str]] = {"RCPT": deque(), "DATA": deque()}

    def clear(self) -> None:
        """Let everything work again."""
        self.silent = False
        self.lost_replies = 0
        for waiting in self.replies.values():
            waiting.clear()


class Handler:
    """Answers the commands that matter here, under the names the library wants."""

    def __init__(self, pile: Pile, faults: Faults) -> None:
        self._pile = pile
        self._faults = faults

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a recipient, or give the reply that was ordered."""
        if self._faults.replies["RCPT"]:
            return self._faults.replies["RCPT"].popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a letter, or give the reply that was ordered."""
        if self._faults.replies["DATA"]:
            return self._faults.replies["DATA"].popleft()
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        self._pile.add(envelope.mail_from or "", envelope.rcpt_tos, raw)
        if self._faults.lost_replies and server.transport is not None:
            self._faults.lost_replies -= 1
            server.transport.close()
        return "250 OK"


class Silence(asyncio.Protocol):
    """A connection on which nothing is ever said."""

    def __init__(self, server: "SmtpServer") -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection open."""
        self._server.connections.add(transport)


class Conversation(SMTP):
    """The library's protocol; its connections can be cut from outside."""

    def __init__(self, server: "SmtpServer", handler: Handler) -> None:
        super().__init__(
            handler,
            hostname="localhost",
            ident="mailbox",
            enable_SMTPUTF8=True,
            loop=server.loop,
        )
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection and begin."""
        self._server.connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End and forget the connection."""
        if self.transport is not None:
            self._server.connections.discard(self.transport)
        super().connection_lost(error)


class SmtpServer:
    """Listens, or does not, from a thread with an event loop of its own."""

    def __init__(self, pile: Pile, port: int) -> None:
        self.port = port
        self.faults = Faults()
        self.loop = asyncio.new_event_loop()
        self.connections: set[asyncio.BaseTransport] = set()
        self._handler = Handler(pile, self.faults)
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def listen(self) -> None:
        """Take connections, on the same port as before. Safe to repeat."""
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result()

    def refuse(self) -> None:
        """Take no connections and cut those that are open. Safe to repeat."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self.loop).result()

    def close(self) -> None:
        """End for good."""
        self.refuse()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await self.loop.create_server(
                self._begin, LOOPBACK, self.port
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        while self.connections:
            self.connections.pop().close()
        # The library's task of each connection notices its end a turn later.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _begin(self) -> asyncio.BaseProtocol:
        if self.faults.silent:
            return Silence(self)
        return Conversation(self, self._handler)
