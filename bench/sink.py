"""A mail server that takes every letter and keeps none: `python -m bench.sink PORT`."""

import asyncio
import logging
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session

from storefront.demo.ports import LOOPBACK


class Handler:
    """Takes whatever comes."""

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        """Take a letter."""
        return "250 OK"


async def serve(port: int) -> None:
    """Take letters until the process is ended."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    handler = Handler()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", loop=loop), LOOPBACK, port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
