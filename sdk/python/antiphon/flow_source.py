"""Code of flows that comes from elsewhere."""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from antiphon.engine.effects import Ask, Call, Life, Outcome
from antiphon.engine.scopes import RunScope
from antiphon.entrypoints import import_object, parse_entrypoint
from antiphon.runner.storage import BlockStorageAdapter, LocalStorage, RunnerStorage, create_storage_from_source

#: Folders with code that was brought here: they go with the process, since what was loaded may import more.
_folders: list[tempfile.TemporaryDirectory[str]] = []


def pulled_object(source: Any, entrypoint: str) -> Life:
    """An engine: brings the code here; gives what is at the entrypoint in it, and the storage."""
    parsed = parse_entrypoint(entrypoint)
    storage = storage_of(source)
    if not isinstance(storage, LocalStorage):
        folder = tempfile.TemporaryDirectory(prefix="antiphon-source-")
        storage.set_base_path(Path(folder.name))
        outcome: Outcome = yield Call(storage.pull_code, (), {}, RunScope())
        if outcome.error is not None:
            folder.cleanup()
            raise outcome.error
        _folders.append(folder)
    elif not storage.destination.is_dir():
        raise RuntimeError(f"There is no folder {storage.destination}, where the flow {entrypoint!r} should be.")
    if parsed.path is not None:
        load = partial(import_object, f"{storage.destination / parsed.path}:{parsed.name}")
    else:
        load = partial(_imported, storage.destination, entrypoint)
    return (yield Ask(load)), storage


def _imported(folder: Path, entrypoint: str) -> Any:
    """What is at an entrypoint by module name, in a folder."""
    sys.path.insert(0, str(folder))
    try:
        return import_object(entrypoint)
    finally:
        sys.path.remove(str(folder))


def storage_of(source: Any) -> Any:
    """Return the storage that a source of flows means. Raises TypeError for what is none."""
    if isinstance(source, str | os.PathLike):
        return create_storage_from_source(os.fspath(source))
    if isinstance(source, RunnerStorage):
        return source
    if callable(getattr(source, "get_directory", None)):
        return BlockStorageAdapter(source)
    raise TypeError(
        "A source of flows is a path, a URL, a storage of antiphon.runner.storage or a block of storage, not "
        f"{type(source).__name__}."
    )
