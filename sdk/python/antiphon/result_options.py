"""What a run does with its result: from the decorator, the flow around it, and the settings."""

from dataclasses import dataclass, replace
from typing import Any

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.result_store import ResultStore
from antiphon.settings import get_current_settings


@dataclass(frozen=True, slots=True)
class ResultOptions:
    """How results of one run are kept."""

    #: True keeps them in storage, False keeps nothing, None lets small ones travel to the server.
    persist: bool | None = None
    #: As `ResultStore` takes them.
    storage: Any = None
    serializer: Any = None
    #: Whether the value stays in this process too.
    in_memory: bool = True
    #: Whether what is too large to travel is kept in storage where `persist` is None: another process waits for it.
    keep_large: bool = False

    def store(self, *, metadata_storage: Any = None, lock_manager: Any = None) -> ResultStore:
        """Return where they are kept. Raises as `ResultStore`."""
        return ResultStore(
            self.storage,
            metadata_storage=metadata_storage,
            lock_manager=lock_manager,
            serializer=self.serializer,
            cache_result_in_memory=self.in_memory,
        )


def flow_result_options(flow: Any, around: ResultOptions | None) -> ResultOptions:
    """Return those of a run of `flow`, in a flow run that has those `around`."""
    persist = flow.persist_result
    if persist is None:
        persist = around.persist if around is not None else (get_current_settings().results.persist_by_default or None)
    return ResultOptions(
        persist,
        flow.result_storage if flow.result_storage is not None or around is None else around.storage,
        flow.result_serializer if flow.result_serializer is not None or around is None else around.serializer,
        flow.cache_result_in_memory,
    )


def task_result_options(task: Any, around: ResultOptions | None) -> ResultOptions:
    """Return those of a run of `task`."""
    base = around or default_result_options()
    persist = task.persist_result
    if persist is None:
        persist = get_current_settings().tasks.default_persist_result
    if (
        persist is None
        and task.result_storage is None
        and task.result_serializer is None
        and task.cache_result_in_memory == base.in_memory
    ):
        # So it is for most tasks, and thousands may share one object.
        return base
    return replace(
        base,
        persist=base.persist if persist is None else persist,
        storage=base.storage if task.result_storage is None else task.result_storage,
        serializer=base.serializer if task.result_serializer is None else task.result_serializer,
        in_memory=task.cache_result_in_memory,
    )


def default_result_options() -> ResultOptions:
    """Return those of a run that nobody said anything of."""
    return _KEPT if get_current_settings().results.persist_by_default else _SMALL


_SMALL, _KEPT = ResultOptions(), ResultOptions(persist=True)


def get_result_store() -> ResultStore:
    """Return the store of the run that the calling code is part of; outside of any, the settings'."""
    return _options_around().store()


def should_persist_result() -> bool:
    """Return whether the run that the calling code is part of keeps its result in storage."""
    return bool(_options_around().persist)


def _options_around() -> ResultOptions:
    run = TaskRunContext.get() or FlowRunContext.get()
    options = run.result_options if run is not None else None
    return options if options is not None else default_result_options()
