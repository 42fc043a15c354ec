"""Where a flow's code comes from: a folder, a git repository, a place that fsspec knows, or a block of storage."""

import asyncio
import importlib
import inspect
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from antiphon.runner.git import GitCredentials, GitRepository, looks_like_git, secret_reference, secret_text
from antiphon.runner.pulled import PulledCode

__all__ = [
    "BlockStorageAdapter",
    "GitCredentials",
    "GitRepository",
    "LocalStorage",
    "RemoteStorage",
    "RunnerStorage",
    "create_storage_from_source",
]


#: Scheme -> the package that fsspec needs for it.
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "adl": "adlfs"}


@runtime_checkable
class RunnerStorage(Protocol):
    """A place that code can be brought from."""

    def set_base_path(self, path: Path) -> None:
        """Say under which folder the code is to be put."""

    @property
    def pull_interval(self) -> int | None:
        """Seconds after which the code is brought anew; None for never."""

    @property
    def destination(self) -> Path:
        """The folder that the code is in after `pull_code`."""

    async def pull_code(self) -> None:
        """Bring the code to `destination`, or what is new of it."""

    def to_pull_step(self) -> dict[str, Any]:
        """Return the step of a deployment that brings the code."""

    def __eq__(self, other: object) -> bool: ...


class LocalStorage:
    """A folder of this machine; its code is used where it is."""

    def __init__(self, path: str, pull_interval: int | None = None) -> None:
        self._path = Path(path).expanduser().resolve()
        self._pull_interval = pull_interval

    def set_base_path(self, path: Path) -> None:
        """Has no effect: the code stays where it is."""

    @property
    def pull_interval(self) -> int | None:
        """As given; it has no effect."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """The folder."""
        return self._path

    async def pull_code(self) -> None:
        """Has no effect: the code is there."""

    def to_pull_step(self) -> dict[str, Any]:
        """Return the step that makes the folder the working directory."""
        return {"antiphon.deployments.steps.set_working_directory": {"directory": str(self._path)}}

    def __eq__(self, other: object) -> bool:
        return self._path == other._path if isinstance(other, LocalStorage) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"LocalStorage(path={str(self._path)!r})"


class RemoteStorage(PulledCode):
    """A folder of a filesystem that fsspec knows, such as `s3://bucket/folder`. `settings` go to that filesystem;
    they may be secrets."""

    def __init__(self, url: str, pull_interval: int | None = 60, **settings: Any) -> None:
        self._url = url
        self._settings = settings
        super().__init__(pull_interval)
        parts = urlsplit(url)
        #: In its filesystem, and here.
        self._name = f"{parts.netloc}{parts.path}".strip("/")

    async def pull_code(self) -> None:
        """Copy the whole folder. Raises RuntimeError where its filesystem cannot be used or it is not there."""
        await asyncio.to_thread(self._pull)

    def _pull(self) -> None:
        scheme = urlsplit(self._url).scheme
        fsspec = importlib.import_module("fsspec")
        settings = {name: secret_text(value) for name, value in self._settings.items()}
        try:
            filesystem = fsspec.filesystem(scheme, **settings)
            self.destination.mkdir(parents=True, exist_ok=True)
            filesystem.get(f"{self._name}/", str(self.destination), recursive=True)
        except ImportError as error:
            raise RuntimeError(
                f"{self._url} cannot be read, since the package for {scheme}:// is not installed: {error}."
            ) from error
        except (OSError, ValueError) as error:
            raise RuntimeError(f"The code at {self._url} could not be brought here: {error!r}") from error

    def to_pull_step(self) -> dict[str, Any]:
        """Return the step that copies the folder. Raises ValueError for a secret that would be kept as plain text:
        keep it in a Secret block."""
        step = {"url": self._url} | {name: secret_reference(value) for name, value in self._settings.items()}
        package = _PACKAGES.get(urlsplit(self._url).scheme)
        if package is not None:
            step["requires"] = package
        return {"antiphon.deployments.steps.pull_from_remote_storage": step}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteStorage):
            return NotImplemented
        return (self._url, self._settings) == (other._url, other._settings)

    def __hash__(self) -> int:
        return hash(self._url)

    def __repr__(self) -> str:
        return f"RemoteStorage(url={self._url!r})"


class BlockStorageAdapter(PulledCode):
    """A saved block that brings folders here (one with `get_directory`), such as a RemoteFileSystem."""

    def __init__(self, block: Any, pull_interval: int | None = 60) -> None:
        """Raises TypeError for what brings no folders here."""
        if not callable(getattr(block, "get_directory", None)):
            raise TypeError(
                f"Code can come from a block that has get_directory, such as RemoteFileSystem, and not from "
                f"{type(block).__name__}."
            )
        self._block = block
        super().__init__(pull_interval)
        name = getattr(block, "_block_document_name", None)
        self._name = str(name) if name else f"{type(block).__name__.lower()}-storage"

    async def pull_code(self) -> None:
        """Copy all that the block holds. Raises what the block raises."""
        self.destination.mkdir(parents=True, exist_ok=True)
        brought = self._block.get_directory(local_path=str(self.destination))
        if inspect.isawaitable(brought):
            await brought

    def to_pull_step(self) -> dict[str, Any]:
        """Return the step that copies it; a block may have one of its own (`get_pull_step`). Raises ValueError for a
        block that is not saved."""
        own = getattr(self._block, "get_pull_step", None)
        if callable(own):
            made: dict[str, Any] = own()
            return made
        name = getattr(self._block, "_block_document_name", None)
        if not name:
            raise ValueError(
                f"A deployment finds the block {type(self._block).__name__} by its name. Save it first: "
                "block.save('my-code')."
            )
        step = {"block_document_name": name, "block_type_slug": self._block.get_block_type_slug()}
        return {"antiphon.deployments.steps.pull_with_block": step}

    def __eq__(self, other: object) -> bool:
        return self._block == other._block if isinstance(other, BlockStorageAdapter) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self._block), self._name))

    def __repr__(self) -> str:
        return f"BlockStorageAdapter({self._block!r})"


def create_storage_from_source(source: "str | Path", pull_interval: int | None = 60) -> RunnerStorage:
    """Return the storage that a source means: a git repository for what ends in `.git`, a folder for a path and for
    `file://`, else a filesystem of fsspec's by the URL's scheme. Raises ValueError for a scheme that nobody knows."""
    text = str(source)
    if looks_like_git(text):
        return GitRepository(text, pull_interval=pull_interval)
    parts = urlsplit(text)
    if "://" not in text:
        return LocalStorage(text, pull_interval=pull_interval)
    if parts.scheme in ("file", "local"):
        return LocalStorage(unquote(parts.path), pull_interval=pull_interval)
    known = importlib.import_module("fsspec").available_protocols()
    if parts.scheme not in known:
        raise ValueError(
            f"No code can come from {text!r}: nobody knows {parts.scheme}://. Give a folder, the URL of a git "
            "repository that ends in .git, or a URL that fsspec knows, such as s3://bucket/folder."
        )
    return RemoteStorage(text, pull_interval=pull_interval)
