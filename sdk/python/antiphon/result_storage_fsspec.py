"""Results in places that fsspec reaches: object stores, SFTP ... Imported only where such a URL is set."""

from typing import Any

from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # it ships no types

from antiphon.exceptions import ResultStorageError
from antiphon.result_storage import check_key


class FsspecStorage:
    """A folder behind an fsspec URL. Object stores write all or nothing; elsewhere a reader's digest tells."""

    def __init__(self, url: str) -> None:
        """Open the place. Raises ResultStorageError where the URL is wrong or what it needs is not installed."""
        self.url = url.rstrip("/")
        try:
            self._files: Any
            self._files, self._root = url_to_fs(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise ResultStorageError(
                f"The result storage {url!r} cannot be opened: {error}. Check the URL, and install the package that "
                "fsspec needs for it (such as s3fs for s3://, gcsfs for gs://)."
            ) from error

    def location(self, key: str) -> str:
        return f"{self.url}/{check_key(key)}"

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)
        except Exception as error:
            # What goes wrong in a store has the exception types of its client library, which have no common base.
            raise ResultStorageError(
                f"A result of {len(data):,} bytes could not be written to {self.location(key)}: "
                f"{type(error).__name__}: {error}. Check access and credentials."
            ) from error

    def read(self, key: str) -> bytes:
        try:
            return bytes(self._files.cat_file(self._path(key)))
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{check_key(key)}"
