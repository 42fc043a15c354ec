"""Interceptors by themselves; what they do to calls is seen in the tests of the services."""

import asyncio
from types import SimpleNamespace
from typing import Any

from antiphon_server.rpc.interceptors import Interceptor


def test_names_of_methods_that_are_not_there_are_not_kept() -> None:
    interceptor = Interceptor()

    async def nothing(_: Any) -> None:
        return None

    async def ask(name: str) -> Any:
        return await interceptor.intercept_service(nothing, SimpleNamespace(method=f"/antiphon.v1.{name}"))  # type: ignore[arg-type]

    assert [asyncio.run(ask(name)) for name in ("A/B", "C/D")] == [None, None]
    assert interceptor._wrapped == {}
