"""Tasks on the workers of a Ray cluster."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import Any, Self

from antiphon.runners.answers import WorkerLost
from antiphon.runners.base import NOT_STARTED
from antiphon.runners.errand import Errand, Parcel
from antiphon.runners.extras import import_extra
from antiphon.runners.remote import RemoteTaskRunner
from antiphon.runners.worker import carry_out

_remote_options: ContextVar[Mapping[str, Any]] = ContextVar("antiphon_ray_options", default=MappingProxyType({}))


@contextmanager
def remote_options(**new_remote_options: Any) -> Iterator[None]:
    """Give tasks that are submitted inside the `with` block these options of `ray.remote`, such as `num_cpus=4`, on top
    of those of blocks around it."""
    token = _remote_options.set({**_remote_options.get(), **new_remote_options})
    try:
        yield
    finally:
        _remote_options.reset(token)


class RayTaskRunner(RemoteTaskRunner):
    """Runs each task on a worker of Ray: of the cluster at `address`, or of an instance that is started for the flow
    run. Where this process has called `ray.init` already, that is used and left running.

    Workers on other machines need the modules that tasks refer to, and an ANTIPHON_API_URL that they reach.
    """

    def __init__(self, address: str | None = None, init_kwargs: Mapping[str, Any] | None = None) -> None:
        """`init_kwargs` go to `ray.init`. Raises ImportError without the extra `ray`."""
        import_extra("ray", "ray")
        self._address = address
        self._init_kwargs = dict(init_kwargs or {})
        self._ray: Any = None
        self._remote: Any = None
        self._ours = False
        #: The facts of a flow run that were put on the cluster, and where.
        self._put: tuple[bytes, Any] | None = None

    def duplicate(self) -> Self:
        return type(self)(self._address, self._init_kwargs)

    @property
    def is_started(self) -> bool:
        return self._ray is not None

    def send(self, parcel: Parcel) -> Errand:
        if self._ray is None:
            raise RuntimeError(NOT_STARTED)
        # Not tried again: whether a task is, is said by its run.
        options = {"name": parcel.name, **_remote_options.get(), "max_retries": 0}
        return RayErrand(self._ray, self._remote.options(**options), parcel, self._on_cluster(parcel.flow))

    def _on_cluster(self, flow: bytes | None) -> Any:
        if flow is None:
            return None
        if self._put is None or self._put[0] is not flow:
            self._put = (flow, self._ray.put(flow))
        return self._put[1]

    def __eq__(self, other: object) -> bool:
        """Whether the other one has the same options."""
        if not isinstance(other, RayTaskRunner):
            return NotImplemented
        mine = (type(self), self._address, self._init_kwargs)
        return mine == (type(other), other._address, other._init_kwargs)

    __hash__ = object.__hash__

    def __enter__(self) -> Self:
        ray = import_extra("ray", "ray")
        self._ours = not ray.is_initialized()
        if self._ours:
            ray.init(**({"address": self._address} if self._address else {}), **self._init_kwargs)
        self._ray, self._remote = ray, ray.remote(carry_out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.drain()
        ray, self._ray, self._remote, self._put = self._ray, None, None, None
        if ray is not None and self._ours:
            ray.shutdown()


class RayErrand(Errand):
    """One task run on the cluster."""

    def __init__(self, ray: Any, remote: Any, parcel: Parcel, flow: Any) -> None:
        super().__init__()
        self._ray = ray
        self._reference = remote.remote(parcel.call, flow)
        self._reference.future().add_done_callback(self._ended)

    def _ended(self, remote: "Future[bytes]") -> None:
        lost = remote.exception()
        if lost is None:
            self.future.set_result(remote.result())
        else:
            self.future.set_exception(
                WorkerLost(f"Ray has not brought the task to an end: {type(lost).__name__}: {lost}")
            )

    def kill(self) -> None:
        # It may have ended, and Ray with it.
        with suppress(Exception):
            self._ray.cancel(self._reference, force=True)
