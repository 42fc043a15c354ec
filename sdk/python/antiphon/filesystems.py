"""Blocks for places where bytes are kept under paths: a local folder, whatever fsspec reaches, SMB shares."""

from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field, SecretStr, field_validator

from antiphon import directory_copies, remote_files
from antiphon.atomic_files import write_atomically
from antiphon.blocks.core import Block
from antiphon.engine.dual import Work, ask, awaitable, dual

__all__ = [
    "SMB",
    "LocalFileSystem",
    "NullFileSystem",
    "ReadableDeploymentStorage",
    "ReadableFileSystem",
    "RemoteFileSystem",
    "WritableDeploymentStorage",
    "WritableFileSystem",
]


class ReadableFileSystem(Block, ABC):
    """A block that reads bytes."""

    _block_schema_capabilities: ClassVar[list[str] | None] = ["read-path"]

    @abstractmethod
    def read_path(self, path: str) -> bytes:
        """Return the bytes at a path."""


class WritableFileSystem(Block, ABC):
    """A block that reads and writes bytes."""

    _block_schema_capabilities: ClassVar[list[str] | None] = ["read-path", "write-path"]

    @abstractmethod
    def read_path(self, path: str) -> bytes:
        """Return the bytes at a path."""

    @abstractmethod
    def write_path(self, path: str, content: bytes) -> Any:
        """Put bytes at a path; what was there is replaced."""


class ReadableDeploymentStorage(Block, ABC):
    """A block that brings folders here."""

    _block_schema_capabilities: ClassVar[list[str] | None] = ["get-directory"]

    @abstractmethod
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Bring all that is below a path into a local folder."""


class WritableDeploymentStorage(Block, ABC):
    """A block that brings folders here and there."""

    _block_schema_capabilities: ClassVar[list[str] | None] = ["get-directory", "put-directory"]

    @abstractmethod
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Bring all that is below a path into a local folder."""

    @abstractmethod
    def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Any:
        """Bring a local folder to a path, but for what the patterns in `ignore_file` (as in .gitignore) name."""


class LocalFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """A folder on this machine. Paths that lead out of it are refused.

    Example:
        ```python
        from antiphon.filesystems import LocalFileSystem

        LocalFileSystem(basepath="~/reports").save("reports")
        LocalFileSystem.load("reports").write_path("2024/may.txt", b"...")
        ```
    """

    _block_type_name = "Local File System"

    basepath: str | None = Field(default=None, description="The folder; the current one unless set.")

    @field_validator("basepath", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, Path) else value

    @dual
    def read_path(self, path: str) -> Work[bytes]:
        """Return the bytes of a file. Raises ValueError for a path outside, one that is no file or not there."""
        return (yield from ask(partial(self._read, path)))

    @dual
    def write_path(self, path: str, content: bytes) -> Work[str]:
        """Write a file, whole or not at all, and return its full path. Folders are made. Raises ValueError for a path
        outside, OSError."""
        return (yield from ask(partial(self._write_file, path, content)))

    @dual
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Work[None]:
        """Copy a folder (the whole one without `from_path`) to a local one, by default to where this block's folder is.
        Raises ValueError for a path outside, or where a symbolic link leads there."""
        yield from ask(partial(self._get, from_path, local_path))

    @dual
    def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Work[None]:
        """Copy a local folder (the current one without `local_path`) into this one. `ignore_file` has patterns as in
        .gitignore. Raises ValueError for a path outside."""
        yield from ask(partial(self._put, local_path, to_path, ignore_file))

    aread_path = awaitable(read_path)
    awrite_path = awaitable(write_path)
    aget_directory = awaitable(get_directory)
    aput_directory = awaitable(put_directory)

    @property
    def _base(self) -> Path:
        return Path(self.basepath or ".").expanduser().resolve()

    def _resolve_path(self, path: str) -> Path:
        """The full path. Raises ValueError where that is outside."""
        base = self._base
        full = (base / Path(path).expanduser()).resolve()
        if not full.is_relative_to(base):
            raise ValueError(
                f"The path {path!r} leads to {full}, outside of the folder {base}. Use a path inside of it."
            )
        return full

    def _read(self, path: str) -> bytes:
        full = self._resolve_path(path)
        if not full.exists():
            raise ValueError(f"There is no file {full}.")
        if not full.is_file():
            raise ValueError(f"{full} is no file.")
        return full.read_bytes()

    def _write_file(self, path: str, content: bytes) -> str:
        full = self._resolve_path(path)
        full.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(full, content)
        return str(full)

    def _get(self, from_path: str | None, local_path: str | None) -> None:
        source = self._resolve_path(from_path) if from_path else self._base
        target = Path(local_path).expanduser().resolve() if local_path else self._base
        directory_copies.check_links(source, self._base)
        directory_copies.copy(source, target, keep_links=True)

    def _put(self, local_path: str | None, to_path: str | None, ignore_file: str | None) -> None:
        source = Path(local_path or ".").expanduser().resolve()
        target = self._resolve_path(to_path) if to_path else self._base
        directory_copies.copy(source, target, ignore_file=ignore_file)


class _InRemoteFolder(WritableFileSystem, WritableDeploymentStorage, ABC):
    """A block whose files are in a folder that fsspec reaches."""

    @property
    @abstractmethod
    def _folder(self) -> remote_files.RemoteFolder: ...

    @dual
    def read_path(self, path: str) -> Work[bytes]:
        """Return the bytes of a file. Raises ValueError for a path outside, FileNotFoundError, and what the store
        raises."""
        return (yield from ask(partial(self._folder.read, path)))

    @dual
    def write_path(self, path: str, content: bytes) -> Work[str]:
        """Write a file and return its full path. Raises ValueError for a path outside, and what the store raises."""
        return (yield from ask(partial(self._folder.write, path, content)))

    @dual
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Work[None]:
        """Bring a folder (the whole one without `from_path`) into a local one (the current one without `local_path`).
        Raises as `read_path`."""
        yield from ask(partial(self._folder.get_directory, from_path, local_path))

    @dual
    def put_directory(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> Work[int]:
        """Bring a local folder (the current one without `local_path`) into this one; return how many were written.

        `ignore_file` has patterns as in .gitignore. Without `overwrite`, files that are there stay. Raises as
        `write_path`.
        """
        return (yield from ask(partial(self._folder.put_directory, local_path, to_path, ignore_file, overwrite)))

    aread_path = awaitable(read_path)
    awrite_path = awaitable(write_path)
    aget_directory = awaitable(get_directory)
    aput_directory = awaitable(put_directory)


class RemoteFileSystem(_InRemoteFolder):
    """A folder that fsspec reaches, such as in S3. Paths that lead out of it are refused.

    Example:
        ```python
        from antiphon.filesystems import RemoteFileSystem

        RemoteFileSystem(basepath="s3://my-bucket/folder", settings={"key": "...", "secret": "..."}).save("bucket")
        ```
    """

    _block_type_name = "Remote File System"

    basepath: str = Field(description="The folder, as fsspec has it.", examples=["s3://my-bucket/my-folder/"])
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="What fsspec is given besides. Kept secret, since credentials may be among it.",
        json_schema_extra={"writeOnly": True},
        repr=False,
    )

    @field_validator("basepath")
    @classmethod
    def check_basepath(cls, value: str) -> str:
        """Raises ValueError for what is no URL of another place."""
        scheme, mark, place = value.partition("://")
        if not mark or not scheme:
            raise ValueError("the base path must begin with a scheme, such as 's3://'")
        if scheme == "file":
            raise ValueError("the base path is a local folder: use LocalFileSystem for that")
        if not place.strip("/"):
            raise ValueError(f"the base path must say a place after '{scheme}://', such as a bucket")
        return value

    @property
    def _folder(self) -> remote_files.RemoteFolder:
        return remote_files.RemoteFolder(self.basepath, self.settings)


class SMB(_InRemoteFolder):
    """A folder in an SMB share. It needs `antiphon[smb]`. Paths that lead out of it are refused.

    Example:
        ```python
        from antiphon.filesystems import SMB

        SMB(smb_host="files.example.com", share_path="/SHARE/reports", smb_username="ann").save("share")
        ```
    """

    _block_type_name = "SMB"

    share_path: str = Field(description="The share and the folder in it.", examples=["/SHARE/dir/subdir"])
    smb_username: SecretStr | None = Field(default=None, title="SMB Username", description="Who may use the share.")
    smb_password: SecretStr | None = Field(default=None, title="SMB Password", description="Their password.")
    smb_host: str = Field(title="SMB server/hostname", description="The machine that has the share.")
    smb_port: int | None = Field(default=None, title="SMB port", description="The port; 445 unless set.")

    @property
    def basepath(self) -> str:
        """The folder, as fsspec has it."""
        return f"smb://{self.smb_host.rstrip('/')}/{self.share_path.lstrip('/')}"

    @property
    def _folder(self) -> remote_files.RemoteFolder:
        login: dict[str, Any] = {"host": self.smb_host}
        if self.smb_username is not None:
            login["username"] = self.smb_username.get_secret_value()
        if self.smb_password is not None:
            login["password"] = self.smb_password.get_secret_value()
        if self.smb_port is not None:
            login["port"] = self.smb_port
        return remote_files.RemoteFolder(self.basepath, login)


class NullFileSystem(BaseModel):
    """Keeps nothing."""

    async def read_path(self, path: str) -> None:
        """Return None."""

    async def write_path(self, path: str, content: bytes) -> None:
        """Do nothing."""

    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """Do nothing."""

    async def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """Do nothing."""
