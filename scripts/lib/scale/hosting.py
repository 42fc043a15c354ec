"""A server in a thread of this process, so that what it asks its database can be seen."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon_server.server import Server, Settings

#: A key for secrets, of which there are none: on PostgreSQL no server makes one for itself.
_KEY = "VGhlcmUgaXMgbm90aGluZyB0byBoaWRlIGhlcmUuLi4="


@contextmanager
def hosted(database: Path | str, folder: Path) -> Iterator[str]:
    """Gives the address of a server that runs until the block's end."""
    address = f"unix:{folder / 'socket'}"
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Server:
        server = Server(Settings(database, (address,), encryption_keys=(_KEY,)))
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(120)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
