"""Streams that their client does not read."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon_server.rpc import interceptors
from antiphon_server.rpc.interceptors import ErrorInterceptor
from antiphon_server.rpc.slow_readers import SlowReaderInterceptor
from refusals import refusal_of
from until import until

METHOD = "/antiphon.v1.Flood/Flood"
PATIENCE = 0.3


class Flood(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Writes for as long as somebody reads."""

    def __init__(self) -> None:
        self.begun = 0
        self.over = 0

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_stream_rpc_method_handler(self.flood)

    async def flood(self, request: bytes, context: Any) -> None:
        self.begun += 1
        try:
            while True:
                await context.write(bytes(100_000))
        finally:
            self.over += 1


@pytest.fixture
def flood(tmp_path: Path) -> Iterator[tuple[Flood, grpc.Channel]]:
    handler = Flood()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> grpc.aio.Server:
        chain = (ErrorInterceptor(), SlowReaderInterceptor(PATIENCE))
        server = grpc.aio.server(interceptors=chain)
        server.add_generic_rpc_handlers((handler,))
        server.add_insecure_port(f"unix:{tmp_path}/s")
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    with grpc.insecure_channel(f"unix:{tmp_path}/s") as channel:
        yield handler, channel
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


def test_a_reader_that_stops_is_cut_and_learns_it_when_it_reads_again(flood: tuple[Flood, grpc.Channel]) -> None:
    handler, channel = flood
    answers = channel.unary_stream(METHOD)(b"")
    next(answers)
    until(lambda: handler.over == 1)
    with pytest.raises(grpc.RpcError) as caught:
        for _ in answers:
            """What was sent before still comes."""
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    assert refusal.retry_after is not None


def test_the_call_of_a_reader_that_never_comes_back_is_over(
    flood: tuple[Flood, grpc.Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interceptors, "UNREAD", 0.3)
    handler, channel = flood
    answers = [channel.unary_stream(METHOD)(b"") for _ in range(5)]
    for each in answers:
        next(each)
    until(lambda: handler.over == 5)
    for each in answers:
        each.cancel()
