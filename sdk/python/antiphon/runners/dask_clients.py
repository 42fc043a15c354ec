"""Clients of the cluster that a flow's tasks run on, for code that works with Dask's own collections."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from antiphon.context import FlowRunContext
from antiphon.exceptions import MissingContextError
from antiphon.runners.extras import import_extra


@contextmanager
def get_dask_client(timeout: float | str | timedelta | None = None, **client_kwargs: Any) -> Iterator[Any]:
    """Yield a `distributed.Client` of the cluster, in a task on Dask or in a flow with a DaskTaskRunner.

    `timeout` is that of connecting; the other arguments are the client's. Raises MissingContextError elsewhere.
    """
    distributed = import_extra("distributed", "dask")
    with distributed.Client(**_arguments(distributed, timeout, client_kwargs)) as client:
        yield client


@asynccontextmanager
async def get_async_dask_client(
    timeout: float | str | timedelta | None = None, **client_kwargs: Any
) -> AsyncIterator[Any]:
    """The same for async code: yields an asynchronous client."""
    distributed = import_extra("distributed", "dask")
    arguments = _arguments(distributed, timeout, client_kwargs)
    async with distributed.Client(**arguments, asynchronous=True) as client:
        yield client


def _arguments(distributed: Any, timeout: Any, client_kwargs: dict[str, Any]) -> dict[str, Any]:
    arguments = {"address": _scheduler(distributed), "set_as_default": True, **client_kwargs}
    if timeout is not None:
        arguments["timeout"] = timeout
    return arguments


def _scheduler(distributed: Any) -> str:
    try:
        return str(distributed.get_worker().scheduler.address)
    except ValueError:
        # Not on a worker.
        flow = FlowRunContext.around()
        client = getattr(flow.task_runner, "client", None) if flow is not None else None
    if client is None:
        raise MissingContextError(
            "There is no Dask cluster here: call this in a flow with `task_runner=DaskTaskRunner(...)`, or in a task "
            "that such a flow has submitted."
        )
    return str(client.scheduler.address)
