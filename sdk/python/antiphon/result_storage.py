"""Where large results are kept: what a storage has to do, and the local folder."""

from pathlib import Path, PurePosixPath
from typing import Protocol

from antiphon.atomic_files import write_atomically
from antiphon.exceptions import ResultStorageError


class ResultStorage(Protocol):
    """A place for bytes under keys. Keys are relative paths with `/` (see `check_key`)."""

    @property
    def url(self) -> str:
        """The place, so that another process can open it."""

    def location(self, key: str) -> str:
        """Say for people where a key's bytes are."""

    def write(self, key: str, data: bytes) -> None:
        """Put bytes under a key, all or nothing; what was there is replaced. Raises ResultStorageError."""

    def read(self, key: str) -> bytes:
        """Return the bytes under a key. Raises FileNotFoundError if there are none, another OSError if unreadable."""


class LocalStorage:
    """A folder. It is made when the first result is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def location(self, key: str) -> str:
        return str(self.folder / check_key(key))

    def write(self, key: str, data: bytes) -> None:
        path = self.folder / check_key(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except OSError as error:
            raise ResultStorageError(
                f"A result of {len(data):,} bytes could not be written to {path}: {error.strerror or error}. Make room "
                "or access there, or set ANTIPHON_RESULTS_LOCAL_STORAGE_PATH to another folder."
            ) from error

    def read(self, key: str) -> bytes:
        return (self.folder / check_key(key)).read_bytes()


def check_key(key: str) -> str:
    """Return the key if it is a path that stays inside a storage. Raises ResultStorageError otherwise."""
    path = PurePosixPath(key)
    if not key or path.is_absolute() or ".." in path.parts or "\0" in key or str(path) != key:
        raise ResultStorageError(
            f"{key!r} cannot be the key of a result. Use a plain relative path such as 'reports/2024', without '..' "
            "and without '/' at the start or the end."
        )
    return key
