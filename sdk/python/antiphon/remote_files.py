"""Folders that fsspec reaches. That is loaded when one is used."""

import importlib
from pathlib import Path
from typing import Any

from antiphon import directory_copies
from antiphon.exceptions import AntiphonException


class FileSystemUnavailable(AntiphonException, ImportError):
    """fsspec lacks what it needs for a scheme."""


class RemoteFolder:
    """A folder by its URL; `settings` are what fsspec is given besides. fsspec keeps connections for the next one."""

    def __init__(self, base: str, settings: dict[str, Any]) -> None:
        self.base = base.rstrip("/")
        self._scheme = base.partition("://")[0]
        self._settings = settings

    def full_path(self, path: str) -> str:
        """Return the URL of a path, which may be one itself. Raises ValueError where that is outside of the folder."""
        scheme, mark, _ = path.partition("://")
        if mark and scheme != self._scheme:
            raise ValueError(f"The path {path!r} has the scheme {scheme!r}, but the folder is {self.base}.")
        full = path.rstrip("/") if mark else f"{self.base}/{path.strip('/')}".rstrip("/")
        steps = full.removeprefix(self.base).split("/")
        if (full != self.base and not full.startswith(f"{self.base}/")) or ".." in steps:
            raise ValueError(f"The path {path!r} is outside of the folder {self.base}. Use a path inside of it.")
        return full

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        full = self.full_path(path)
        return bytes(self._files().cat_file(full))

    def write(self, path: str, content: bytes) -> str:
        """Write a file and return its URL."""
        full = self.full_path(path)
        files = self._files()
        files.makedirs(full.rpartition("/")[0], exist_ok=True)
        files.pipe_file(full, content)
        return full

    def get_directory(self, from_path: str | None, local_path: str | None) -> None:
        """Bring what is below a path into a local folder. Raises FileNotFoundError where nothing is."""
        source = self.full_path(from_path or "")
        files = self._files()
        root = str(files._strip_protocol(source)).rstrip("/")
        target = Path(local_path or ".").expanduser().resolve()
        if not files.exists(source):
            raise FileNotFoundError(f"There is no {source}.")
        for found in files.find(root):
            path = target / str(found)[len(root) :].lstrip("/")
            if not path.resolve().is_relative_to(target):
                raise ValueError(f"The name of {found!r} leads out of the folder {target}.")
            path.parent.mkdir(parents=True, exist_ok=True)
            files.get_file(found, str(path))

    def put_directory(
        self, local_path: str | None, to_path: str | None, ignore_file: str | None, overwrite: bool
    ) -> int:
        """Bring a local folder below a path, and return how many files were written."""
        target = self.full_path(to_path or "")
        files = self._files()
        count = 0
        for path, relative in directory_copies.files_below(Path(local_path or ".").expanduser().resolve(), ignore_file):
            full = f"{target}/{relative}"
            if overwrite or not files.exists(full):
                files.makedirs(full.rpartition("/")[0], exist_ok=True)
                files.put_file(str(path), full)
                count += 1
        return count

    def _files(self) -> Any:
        try:
            return importlib.import_module("fsspec").filesystem(self._scheme, **self._settings)
        except (ImportError, ValueError) as error:
            raise FileSystemUnavailable(
                f"Files at {self._scheme}:// cannot be reached: {error}. Check the scheme, and install the package "
                "that fsspec needs for it (such as s3fs for s3://, gcsfs for gs://, or 'antiphon[smb]' for smb://)."
            ) from error
