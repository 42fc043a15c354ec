"""Tasks on the workers of a Dask cluster."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from types import TracebackType
from typing import Any, Self

from antiphon.runners.answers import WorkerLost
from antiphon.runners.base import NOT_STARTED
from antiphon.runners.errand import Errand, Parcel
from antiphon.runners.extras import import_extra
from antiphon.runners.remote import RemoteTaskRunner
from antiphon.runners.worker import carry_out

#: More bytes than this of a flow run's facts are put on the cluster once, in place of going with each task.
_LARGE = 64 * 1024
#: Dask's profiler looks at all threads a hundred times a second. Before Python 3.11.9 that may block the whole worker
#: for ever when a thread begins meanwhile (python/cpython#106883, dask/distributed#8616).
_PROFILING_BLOCKS = sys.version_info < (3, 11, 9)
_NO_PROFILER = {"distributed.worker.profile.enabled": False}


def without_profiler() -> AbstractContextManager[object]:
    """Dask's workers that are made in the block, or later by a cluster that is, have no profiler where it may block."""
    if not _PROFILING_BLOCKS:
        return nullcontext()
    made: AbstractContextManager[object] = import_extra("dask", "dask").config.set(_NO_PROFILER)
    return made


class DaskTaskRunner(RemoteTaskRunner):
    """Runs each task on a worker of a Dask cluster: that of `cluster` or at `address`, or else one that is made for
    the flow run, a `LocalCluster` unless `cluster_class` says otherwise.

    A local cluster starts processes that import the main script again, so scripts need `if __name__ == "__main__":`.
    Workers on other machines need the modules that tasks refer to, and an ANTIPHON_API_URL that they reach.
    """

    def __init__(
        self,
        cluster: Any = None,
        address: str | None = None,
        cluster_class: str | Any | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        performance_report_path: str | None = None,
    ) -> None:
        """`cluster_class` is called with `cluster_kwargs`; a string names it with its module. With `adapt_kwargs` the
        cluster that is made scales by itself (`cluster.adapt`). `client_kwargs` go to `distributed.Client`. A
        performance report is written to `performance_report_path` at the end.

        Raises ValueError for arguments that contradict each other, ImportError without the extra `dask`.
        """
        import_extra("distributed", "dask")
        if performance_report_path is not None and importlib.util.find_spec("bokeh") is None:
            raise ImportError("Dask needs bokeh to write a performance report. Install it with `pip install bokeh`.")
        made = {"cluster_class": cluster_class, "cluster_kwargs": cluster_kwargs, "adapt_kwargs": adapt_kwargs}
        chosen = [name for name, value in (("cluster", cluster), ("address", address)) if value is not None]
        useless = [name for name, value in made.items() if value is not None]
        if len(chosen) == 2 or (chosen and useless):
            raise ValueError(
                f"{' and '.join([*chosen, *useless])} contradict each other: give a cluster, or the address of one, or "
                "say how to make one."
            )
        for name, given in (("cluster_kwargs", cluster_kwargs), ("client_kwargs", client_kwargs)):
            if "asynchronous" in (given or {}):
                raise ValueError(f"`asynchronous` cannot be among {name}: the task runner decides on that.")
        self._options: dict[str, Any] = {
            "cluster": cluster,
            "address": address,
            **made,
            "client_kwargs": client_kwargs,
            "performance_report_path": performance_report_path,
        }
        self._client: Any = None
        self._opened = ExitStack()
        #: The facts of a flow run that were put on the cluster, and where.
        self._scattered: tuple[bytes, Any] | None = None

    def duplicate(self) -> Self:
        return type(self)(**self._options)

    @property
    def client(self) -> Any:
        """The `distributed.Client` of the cluster. Raises RuntimeError where the runner is not started."""
        if self._client is None:
            raise RuntimeError(NOT_STARTED)
        return self._client

    @property
    def is_started(self) -> bool:
        return self._client is not None

    def send(self, parcel: Parcel) -> Errand:
        return DaskErrand(self.client, parcel, self._on_cluster(parcel.flow))

    def _on_cluster(self, flow: bytes | None) -> Any:
        if flow is None or len(flow) <= _LARGE:
            return flow
        if self._scattered is None or self._scattered[0] is not flow:
            self._scattered = (flow, self.client.submit(bytes, flow, pure=False))
        return self._scattered[1]

    def __eq__(self, other: object) -> bool:
        """Whether the other one has the same options."""
        if not isinstance(other, DaskTaskRunner):
            return NotImplemented
        return type(self) is type(other) and self._options == other._options

    __hash__ = object.__hash__

    def __enter__(self) -> Self:
        distributed = import_extra("distributed", "dask")
        with ExitStack() as stack:
            where = self._options["cluster"] or self._options["address"] or self._make_cluster(stack)
            arguments = {"set_as_default": False, **(self._options["client_kwargs"] or {})}
            client = stack.enter_context(distributed.Client(where, **arguments))
            path = self._options["performance_report_path"]
            if path is not None:
                # It asks for the current client.
                stack.enter_context(client.as_current())
                stack.enter_context(distributed.performance_report(filename=path))
            self._client, self._opened = client, stack.pop_all()
        return self

    def _make_cluster(self, stack: ExitStack) -> Any:
        kind = self._options["cluster_class"] or "distributed.LocalCluster"
        if isinstance(kind, str):
            module, _, name = kind.rpartition(".")
            kind = getattr(importlib.import_module(module), name)
        if self._options["performance_report_path"] is None:
            stack.enter_context(without_profiler())
        cluster = stack.enter_context(kind(**(self._options["cluster_kwargs"] or {})))
        if self._options["adapt_kwargs"]:
            cluster.adapt(**self._options["adapt_kwargs"])
        return cluster

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.drain()
        self._client, self._scattered = None, None
        self._opened.close()


class DaskErrand(Errand):
    """One task run on the cluster."""

    def __init__(self, client: Any, parcel: Parcel, flow: Any) -> None:
        super().__init__()
        # Not tried again: whether a task is, is said by its run.
        key = f"{parcel.name}-{parcel.run_id}"
        self._remote = client.submit(carry_out, parcel.call, flow, key=key, pure=False, retries=0)
        self._remote.add_done_callback(self._ended)

    def _ended(self, remote: Any) -> None:
        """Dask calls it in a thread of its own."""
        lost: Any = None
        try:
            if remote.status == "finished":
                self.future.set_result(remote.result())
                return
            lost = remote.exception() if remote.status == "error" else None
        except Exception as error:  # noqa: BLE001 - whatever became of the worker that has the answer
            lost = error
        why = f": {type(lost).__name__}: {lost}" if lost is not None else "; it was cancelled"
        self.future.set_exception(WorkerLost(f"Dask has not brought the task to an end{why}"))

    def kill(self) -> None:
        """A thread of a worker cannot be ended; what it brings is of no interest any more."""
        self._remote.cancel()
