"""From a folder's path, a URL, a block or its name to the storage there."""

import importlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from antiphon.exceptions import ResultStorageError
from antiphon.result_storage import LocalStorage, ResultStorage
from antiphon.settings import get_current_settings

LOCAL_SCHEME = "file"
#: Loaded by name and only where a URL asks for it: fsspec and what it brings cost more to import than a whole run with
#: local storage may take.
REMOTE_MODULE = "antiphon.result_storage_fsspec"
BLOCKS_MODULE = "antiphon.result_storage_blocks"
#: The name of a saved block.
_BLOCK_NAME = re.compile(r"[a-z0-9-]+/[A-Za-z0-9-]+")
_BLOCK_SCHEME = "block:"


def open_storage(place: Any) -> ResultStorage:
    """Return the storage at a folder, a `file://` URL, a URL that fsspec knows, or in a storage block: the block itself
    or its name `type/name`. (A folder that looks like such a name is written with `./` before it, or as a Path.)

    Raises ResultStorageError where it cannot be used, TypeError for what is none of these.
    """
    if isinstance(place, Path):
        return LocalStorage(place)
    if isinstance(place, str):
        return _open_named(place)
    if callable(getattr(place, "write_path", None)) and callable(getattr(place, "read_path", None)):
        return importlib.import_module(BLOCKS_MODULE).BlockStorage(place)  # type: ignore[no-any-return]
    if callable(getattr(place, "write", None)) and callable(getattr(place, "read", None)) and hasattr(place, "url"):
        storage: ResultStorage = place
        return storage
    raise TypeError(
        f"A result storage is a folder, a URL or a storage block such as LocalFileSystem(...), not "
        f"{type(place).__name__}: {place!r}."
    )


def _open_named(place: str) -> ResultStorage:
    name = place.removeprefix(_BLOCK_SCHEME)
    if _BLOCK_NAME.fullmatch(name):
        settings = get_current_settings()
        return _open_block(name, (settings.api.url, settings.home))
    if name is not place:
        return _open_unsaved(place, name)
    scheme, mark, _ = place.partition("://")
    if not mark:
        return LocalStorage(Path(place).expanduser())
    if scheme.lower() == LOCAL_SCHEME:
        return LocalStorage(_path_of(place))
    return _open_remote(place)


def _open_unsaved(url: str, name: str) -> ResultStorage:
    storage: ResultStorage | None = importlib.import_module(BLOCKS_MODULE).unsaved_block_storage(url)
    if storage is None:
        raise ResultStorageError(
            f"The result is in the storage block {name!r}, which was never saved, so only the process that made it "
            "finds it, and only as long as it has the block. Save the block: block.save(name)."
        )
    return storage


@lru_cache(maxsize=64)
def _open_block(name: str, server: object) -> ResultStorage:
    """Load a block once from the configured `server`."""
    storage: ResultStorage = importlib.import_module(BLOCKS_MODULE).load_block_storage(name)
    return storage


def _path_of(url: str) -> Path:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        raise ResultStorageError(f"{url!r} is no folder on this machine. Write file:///absolute/path.")
    return Path(path)


@lru_cache(maxsize=64)
def _open_remote(url: str) -> ResultStorage:
    """Open a URL once, since connections and credentials cost time."""
    storage: ResultStorage = importlib.import_module(REMOTE_MODULE).FsspecStorage(url)
    return storage
