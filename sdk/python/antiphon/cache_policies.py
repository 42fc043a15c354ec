"""When a task's kept result stands for a new run of it: policies that make a cache key.

Policies add up: `INPUTS + TASK_SOURCE`; `INPUTS - "debug"` leaves a parameter out. A policy of your own is a subclass
of `CachePolicy` with `compute_key`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from antiphon.exceptions import HashError
from antiphon.hashing import hash_objects

if TYPE_CHECKING:
    from antiphon.context import TaskRunContext

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NONE",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "CacheKeyFnPolicy",
    "CachePolicy",
    "CompoundCachePolicy",
    "FlowParameters",
    "Inputs",
    "RunId",
    "TaskSource",
]

CacheKeyFn = Callable[["TaskRunContext", dict[str, Any]], str | None]


@dataclass
class CachePolicy:
    """Base of all policies.

    `key_storage` is where the descriptions of cached results lie, if apart from the results; `lock_manager` and
    `isolation_level` are of the transaction that the task run is.
    """

    key_storage: Any = None
    isolation_level: Any = None
    lock_manager: Any = None

    @classmethod
    def from_cache_key_fn(cls, cache_key_fn: CacheKeyFn) -> "CacheKeyFnPolicy":
        """Return the policy of a function of the task run's context and its parameters."""
        return CacheKeyFnPolicy(cache_key_fn=cache_key_fn)

    def configure(self, key_storage: Any = None, lock_manager: Any = None, isolation_level: Any = None) -> Self:
        """Return a copy with these changed; None leaves one as it is."""
        given = {"key_storage": key_storage, "lock_manager": lock_manager, "isolation_level": isolation_level}
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """Return the key under which a result of this run is kept and looked for; None for no caching."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_key.")

    def __add__(self, other: "CachePolicy") -> "CachePolicy":
        if not isinstance(other, CachePolicy):
            return NotImplemented
        if isinstance(other, _NoCache):
            return self
        if isinstance(self, _NoCache):
            return other
        return CompoundCachePolicy(policies=[self, other], **_in_common(self, other))

    def __sub__(self, other: str) -> "CachePolicy":
        if not isinstance(other, str):
            raise TypeError(f"What is left out of a cache policy is the name of a parameter, not {other!r}.")
        return self


@dataclass
class CacheKeyFnPolicy(CachePolicy):
    """A function makes the key."""

    cache_key_fn: CacheKeyFn | None = None

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        return self.cache_key_fn(task_ctx, inputs) if self.cache_key_fn is not None else None


@dataclass
class CompoundCachePolicy(CachePolicy):
    """Several policies; a run has to be the same by each of them."""

    policies: list[CachePolicy] = field(default_factory=list)

    def __post_init__(self) -> None:
        flat: list[CachePolicy] = []
        for each in self.policies:
            flat.extend(each.policies if isinstance(each, CompoundCachePolicy) else [each])
        self.policies = flat

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        keys = [each.compute_key(task_ctx, inputs, flow_parameters, **kwargs) for each in self.policies]
        given = [key for key in keys if key is not None]
        return hash_objects(*given) if given else None

    def __sub__(self, other: str) -> "CachePolicy":
        return replace(self, policies=[each - other for each in self.policies])


@dataclass
class _NoCache(CachePolicy):
    """No caching."""

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        return None


@dataclass
class TaskSource(CachePolicy):
    """The same code of the task's function."""

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        return hash_objects(source_of(task_ctx.task.fn)) if task_ctx is not None else None


@dataclass
class FlowParameters(CachePolicy):
    """The same parameters of the flow run around the task."""

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        return hash_objects(flow_parameters) if flow_parameters else None


@dataclass
class RunId(CachePolicy):
    """The same flow run, or outside of flows the same task run."""

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        return (task_ctx.flow_run_id or task_ctx.task_run_id) if task_ctx is not None else None


@dataclass
class Inputs(CachePolicy):
    """The same inputs, those of `exclude` left out."""

    exclude: list[str] = field(default_factory=list)

    def compute_key(
        self, task_ctx: "TaskRunContext", inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """Raises HashError that names the parameter which cannot be told apart from others."""
        if not inputs:
            return None
        digests = {}
        for name, value in inputs.items():
            if name not in self.exclude:
                try:
                    digests[name] = hash_objects(value)
                except HashError as error:
                    raise HashError(
                        f"The parameter {name!r} cannot be part of a cache key: {error} Leave it out with "
                        f'cache_policy=INPUTS - "{name}", or make the key with cache_key_fn.'
                    ) from error
        return hash_objects(digests)

    def __sub__(self, other: str) -> "CachePolicy":
        super().__sub__(other)
        return replace(self, exclude=[*self.exclude, other])


def source_of(fn: Callable[..., Any]) -> str:
    """Return the text of a function; of one whose text is not to be had, its compiled code."""
    function = inspect.unwrap(getattr(fn, "__func__", fn))
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        return f"{code.co_code.hex()} {code.co_consts!r}" if code is not None else type(function).__qualname__


def _in_common(*policies: CachePolicy) -> dict[str, Any]:
    """What several policies say of storage, isolation and locks. Raises ValueError where they differ."""
    common: dict[str, Any] = {}
    for name in ("key_storage", "isolation_level", "lock_manager"):
        said = [value for value in (getattr(each, name) for each in policies) if value is not None]
        if any(value != said[0] for value in said[1:]):
            raise ValueError(f"Cache policies that differ in {name} cannot be added: {said[0]!r}, {said[1]!r}.")
        common[name] = said[0] if said else None
    return common


INPUTS = Inputs()
NONE = _NoCache()
NO_CACHE = NONE
TASK_SOURCE = TaskSource()
FLOW_PARAMETERS = FlowParameters()
RUN_ID = RunId()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
