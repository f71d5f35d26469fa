"""Carrying TCP from one address to another: `python -m bench.relay FROM TO FROM TO …`.

An address is `host:port`. A program that only listens on its machine's loopback is
reached from another machine so, as by an SSH tunnel.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

CHUNK = 65536


async def serve(addresses: Sequence[str]) -> None:
    """Carry between each pair of addresses, until told to end."""
    pairs = zip(addresses[::2], addresses[1::2], strict=True)
    servers = [
        await asyncio.start_server(partial(_carry, _parts(there)), *_parts(here))
        for here, there in pairs
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


async def _carry(
    there: tuple[str, int], reader: StreamReader, writer: StreamWriter
) -> None:
    try:
        answers, questions = await asyncio.open_connection(*there)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, questions), _copy(answers, writer))


async def _copy(source: StreamReader, sink: StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
