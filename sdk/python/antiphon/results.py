"""Results of runs: the store that keeps them, and the rules of what is kept where."""

import asyncio
import importlib
from typing import Any

from antiphon.result_options import get_result_store, should_persist_result
from antiphon.result_records import ResultRecord, ResultRecordMetadata
from antiphon.result_storage import ResultStorage
from antiphon.result_storage_opening import open_storage
from antiphon.result_store import ResultStore, default_storage, is_reference, load
from antiphon.settings import get_current_settings

__all__ = [
    "ResultRecord",
    "ResultRecordMetadata",
    "ResultStore",
    "aget_default_result_storage",
    "aresolve_result_storage",
    "get_default_persist_setting",
    "get_default_persist_setting_for_tasks",
    "get_default_result_serializer",
    "get_default_result_storage",
    "get_result_store",
    "is_reference",
    "load",
    "resolve_result_storage",
    "resolve_serializer",
    "should_persist_result",
]


def get_default_persist_setting() -> bool:
    """Return whether results are kept in storage where nobody says anything."""
    return get_current_settings().results.persist_by_default


def get_default_persist_setting_for_tasks() -> bool:
    """The same for results of tasks."""
    of_tasks = get_current_settings().tasks.default_persist_result
    return get_default_persist_setting() if of_tasks is None else of_tasks


def get_default_result_storage() -> ResultStorage:
    """Return where results are kept that nobody named a place for. Raises ResultStorageError."""
    return default_storage()


def get_default_result_serializer() -> Any:
    """Return the serializer of the settings; None where each value is written as fits it, JSON or pickle."""
    return ResultStore().serializer


def resolve_result_storage(result_storage: Any) -> ResultStorage:
    """Return the storage at a folder, at a URL, or in a block. Raises ResultStorageError, TypeError."""
    return open_storage(result_storage)


def resolve_serializer(serializer: Any) -> Any:
    """Return the serializer of a name, such as `"compressed/json"`, or the one given. Raises UnknownSerializer,
    TypeError."""
    # Loaded where somebody asks: it brings Pydantic with it.
    return importlib.import_module("antiphon.serializers").resolve_serializer(serializer)


async def aget_default_result_storage() -> ResultStorage:
    """As `get_default_result_storage`, without blocking the event loop."""
    return await asyncio.to_thread(get_default_result_storage)


async def aresolve_result_storage(result_storage: Any) -> ResultStorage:
    """As `resolve_result_storage`, without blocking the event loop."""
    return await asyncio.to_thread(resolve_result_storage, result_storage)
