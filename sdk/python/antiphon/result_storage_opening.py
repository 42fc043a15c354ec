"""From a folder's path or a URL to the storage there."""

import importlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from antiphon.exceptions import ResultStorageError
from antiphon.result_storage import LocalStorage, ResultStorage

LOCAL_SCHEME = "file"
#: Loaded by name and only where a URL asks for it: fsspec and what it brings cost more to import than a whole run with
#: local storage may take.
REMOTE_MODULE = "antiphon.result_storage_fsspec"


def open_storage(place: str | Path) -> ResultStorage:
    """Return the storage at a folder, a `file://` URL, or a URL that fsspec knows.

    Raises ResultStorageError where the URL cannot be used.
    """
    if isinstance(place, Path):
        return LocalStorage(place)
    scheme, mark, _ = place.partition("://")
    if not mark:
        return LocalStorage(Path(place).expanduser())
    if scheme.lower() == LOCAL_SCHEME:
        return LocalStorage(_path_of(place))
    return _open_remote(place)


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
