"""The options of tasks: what `@task(...)` and `Task.with_options(...)` take, and the rules among them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from antiphon.annotations import NotSet
from antiphon.cache_policies import DEFAULT, NO_CACHE, CacheKeyFnPolicy, CachePolicy
from antiphon.option_checks import checked_flag
from antiphon.retries import RetryDelays
from antiphon.settings import get_current_settings
from antiphon.state_core import State

_logger = logging.getLogger("antiphon.tasks")

#: Called with the task, the run and the state; sync or async. (The task is Any: that module stands above this one. So
#: is the run: people write the client's TaskRun, which has the same facts.)
TaskHook = Callable[[Any, Any, State], Any]
#: Called with the transaction, a Transaction or an AsyncTransaction; sync or async.
TransactionHook = Callable[[Any], Any]
#: Says whether a failed run makes sense to try again; sync or async.
RetryCondition = Callable[[Any, Any, State], Any]


class TaskOptions(TypedDict, total=False):
    """All options by name."""

    name: str | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    cache_policy: CachePolicy | type[NotSet] | None
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: timedelta | None
    task_run_name: str | Callable[..., str] | type[NotSet] | None
    retries: int | type[NotSet] | None
    retry_delay_seconds: RetryDelays | type[NotSet] | None
    retry_jitter_factor: float | type[NotSet] | None
    persist_result: bool | type[NotSet] | None
    result_storage: Any
    result_serializer: Any
    result_storage_key: str | type[NotSet] | None
    cache_result_in_memory: bool | None
    timeout_seconds: float | None
    log_prints: bool | type[NotSet] | None
    refresh_cache: bool | type[NotSet] | None
    on_completion: Sequence[TaskHook] | None
    on_failure: Sequence[TaskHook] | None
    on_running: Sequence[TaskHook] | None
    on_rollback: Sequence[TransactionHook] | None
    on_commit: Sequence[TransactionHook] | None
    retry_condition_fn: RetryCondition | None
    viz_return_value: Any
    asset_deps: Sequence[Any] | None


def cache_policy_of(
    task: Any, given: Any, cache_key_fn: Callable[..., str | None] | None, persist_result: bool | None
) -> CachePolicy | None:
    """Return the policy that holds for these options. Raises TypeError for what is no policy, or no function."""
    if given is not NotSet and given is not None and not isinstance(given, CachePolicy):
        raise TypeError(f"cache_policy is a policy such as INPUTS of antiphon.cache_policies, not {given!r}.")
    if cache_key_fn is not None:
        if not callable(cache_key_fn):
            raise TypeError(f"cache_key_fn is a function that returns a key or None, not {cache_key_fn!r}.")
        if given is not NotSet and given is not None:
            _logger.warning("Task %r has a cache_policy and a cache_key_fn; the function is used.", task.name)
        given = CacheKeyFnPolicy(cache_key_fn=cache_key_fn)
    if persist_result is False:
        if isinstance(given, CachePolicy) and given is not NO_CACHE:
            _logger.warning(
                "Task %r has persist_result=False, so its cache policy has no effect: a cached result is a kept one.",
                task.name,
            )
        return NO_CACHE
    if given is NotSet:
        if task.result_storage_key is not None:
            return None
        return NO_CACHE if get_current_settings().tasks.default_no_cache else DEFAULT
    policy: CachePolicy | None = given
    return policy


def persistence_of(given: Any, *asks: Any) -> bool | None:
    """Return whether results are kept: as it was given, or else True where an option makes no sense without."""
    flag = checked_flag(given, "persist_result")
    return True if flag is None and any(ask is not None for ask in asks) else flag
