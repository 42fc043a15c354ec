"""Fixtures for tests of the client: each method is tried in both faces."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from antiphon.client import get_client
from stored import Stored


class Api:
    """Calls a method of one of the clients, and gives what it gives."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not self.is_async:
            method: Callable[..., Any] = getattr(get_client(sync_client=True), name)
            return method

        @wraps(getattr(get_client(), name))
        def call(*args: Any, **kwargs: Any) -> Any:
            async def run() -> Any:
                async with get_client() as client:
                    return await getattr(client, name)(*args, **kwargs)

            return asyncio.run(run())

        return call


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def api(request: pytest.FixtureRequest, stored: Stored) -> Api:
    """The sync client, then the async one, of the shared server."""
    return Api(request.param)
