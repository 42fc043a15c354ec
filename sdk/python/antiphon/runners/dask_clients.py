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

    A task gives its place on the worker up meanwhile, so that what it submits finds one. `timeout` is that of
    connecting; the other arguments are the client's. Raises MissingContextError elsewhere.
    """
    distributed = import_extra("distributed", "dask")
    with (
        _out_of_the_way(distributed) as address,
        distributed.Client(address, **_given(timeout, client_kwargs)) as client,
    ):
        yield client


@asynccontextmanager
async def get_async_dask_client(
    timeout: float | str | timedelta | None = None, **client_kwargs: Any
) -> AsyncIterator[Any]:
    """The same for async code: yields an asynchronous client."""
    distributed = import_extra("distributed", "dask")
    arguments = _given(timeout, client_kwargs)
    with _out_of_the_way(distributed) as address:
        async with distributed.Client(address, **arguments, asynchronous=True) as client:
            yield client


def _given(timeout: Any, client_kwargs: dict[str, Any]) -> dict[str, Any]:
    return client_kwargs if timeout is None else {"timeout": timeout, **client_kwargs}


@contextmanager
def _out_of_the_way(distributed: Any) -> Iterator[str]:
    """Yields the scheduler's address."""
    try:
        address = str(distributed.get_worker().scheduler.address)
    except ValueError:
        # Not on a worker.
        yield _of_the_flow()
        return
    distributed.secede()
    try:
        yield address
    finally:
        distributed.rejoin()


def _of_the_flow() -> str:
    flow = FlowRunContext.around()
    client = getattr(flow.task_runner, "client", None) if flow is not None else None
    if client is None:
        raise MissingContextError(
            "There is no Dask cluster here: call this in a flow with `task_runner=DaskTaskRunner(...)`, or in a task "
            "that such a flow has submitted."
        )
    return str(client.scheduler.address)
