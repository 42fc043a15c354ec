"""A task run as a transaction: under which key its result is kept and looked for."""

from types import SimpleNamespace
from typing import Any, Final

from antiphon import runtime
from antiphon.cache_policies import NO_CACHE
from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.transaction_life import TransactionCore
from antiphon.engine.transaction_modes import as_isolation_level
from antiphon.exceptions import AntiphonException, InvalidNameError, ResultStorageError
from antiphon.hashing import hash_objects
from antiphon.logging.run_loggers import run_logger
from antiphon.result_storage import check_key
from antiphon.settings import get_current_settings
from antiphon.transactions import Transaction

#: What templates know as `antiphon`.
_ROOT: Final = SimpleNamespace(runtime=runtime)


def transaction_of(
    task: Any, context: TaskRunContext, parameters: dict[str, Any], *, iterated: bool
) -> TransactionCore:
    """Return the transaction of a run with these parameters, not begun. One that somebody iterates over is not cached:
    what it yields on its way is not kept.

    Raises InvalidNameError where its storage key cannot be made, ConfigurationError for a policy that lacks a lock
    manager, ResultStorageError.
    """
    options, policy = context.result_options, task.cache_policy
    key = storage_key(task, context, parameters) if not iterated else None
    if key is None:
        # Making a logger takes longer than all the rest, and most tasks have no use for it.
        return Transaction(logger=run_logger(context) if task.has_transaction_hooks else None)
    settings = get_current_settings()
    refresh = task.refresh_cache if task.refresh_cache is not None else settings.tasks.refresh_cache
    return Transaction(
        key=key,
        store=options.store(
            metadata_storage=policy.key_storage if policy is not None else None,
            lock_manager=policy.lock_manager if policy is not None else None,
        ),
        isolation_level=as_isolation_level(policy.isolation_level) if policy is not None else None,
        overwrite=refresh,
        logger=run_logger(context),
    )


def storage_key(task: Any, context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """Return the key of a run whose result may stand for others; None where it may not."""
    if context.result_options.persist is not True:
        return None
    if task.result_storage_key is not None:
        return _rendered(task.result_storage_key, context, parameters)
    policy = task.cache_policy
    if policy is None or policy is NO_CACHE or get_current_settings().tasks.disable_caching:
        return None
    flow = FlowRunContext.around()
    try:
        with context:
            key: str | None = policy.compute_key(context, parameters, flow.parameters if flow is not None else {})
    except Exception as error:  # noqa: BLE001 - whatever a person's policy raises, the run goes on without a cache
        run_logger(context).error(
            "No cache key could be made, so the run is not cached: %s",
            error,
            exc_info=None if isinstance(error, AntiphonException) else error,
        )
        return None
    return _tidy(key)


def _tidy(key: str | None) -> str | None:
    """A policy's key as one that a storage takes: a URL, say, is none, and so its hash is taken."""
    try:
        return check_key(key) if key is not None else None
    except ResultStorageError:
        return hash_objects(key)


def _rendered(template: str, context: TaskRunContext, parameters: dict[str, Any]) -> str:
    facts = {name: getattr(context, name) for name in ("task_run", "tags")}
    try:
        with context:
            return template.format(
                parameters=parameters, antiphon=_ROOT, prefect=_ROOT, flow_run=FlowRunContext.get(), **facts
            )
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise InvalidNameError(
            f"The result_storage_key {template!r} cannot be filled in: {error}. It may use {{parameters[name]}}, "
            "{antiphon.runtime.flow_run.name}, {antiphon.runtime.task_run.name} and the like."
        ) from error
