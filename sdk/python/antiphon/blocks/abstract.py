"""What blocks of some kinds can do, for code that takes any block of a kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, TypeVar

from antiphon.blocks.core import Block
from antiphon.exceptions import AntiphonException
from antiphon.logging.loggers import get_logger

__all__ = [
    "CredentialsBlock",
    "DatabaseBlock",
    "JobBlock",
    "JobRun",
    "NotificationBlock",
    "NotificationError",
    "ObjectStorageBlock",
    "SecretBlock",
]

T = TypeVar("T")


class NotificationError(AntiphonException):
    """A notification could not be sent; `log` is what the sender said."""

    def __init__(self, log: str) -> None:
        super().__init__(f"The notification was not sent. {log}".rstrip())
        self.log = log


class _Logging(Block, ABC):
    """A block that has a logger."""

    @property
    def logger(self) -> Any:
        """A logger named after the class."""
        return get_logger(type(self).__name__)


class CredentialsBlock(_Logging, ABC):
    """Knows how to log in somewhere."""

    @abstractmethod
    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """Return a client that is logged in."""


class NotificationBlock(_Logging, ABC):
    """Sends messages to people."""

    _block_schema_capabilities: ClassVar[list[str] | None] = ["notify"]
    _raise_on_failure: bool = False

    @abstractmethod
    def notify(self, body: str, subject: str | None = None) -> None:
        """Send a message."""

    @contextmanager
    def raise_on_failure(self) -> Iterator[None]:
        """Within this, a message that could not be sent raises NotificationError; elsewhere that is logged."""
        before, self._raise_on_failure = self._raise_on_failure, True
        try:
            yield
        finally:
            self._raise_on_failure = before


class JobRun(ABC, Generic[T]):
    """A job that was started elsewhere."""

    @property
    def logger(self) -> Any:
        """A logger named after the class."""
        return get_logger(type(self).__name__)

    @abstractmethod
    def wait_for_completion(self) -> Any:
        """Return once the job has ended."""

    @abstractmethod
    def fetch_result(self) -> T:
        """Return what the job gave."""


class JobBlock(_Logging, ABC):
    """Starts a job elsewhere."""

    @abstractmethod
    def trigger(self) -> JobRun[Any]:
        """Start it."""


class DatabaseBlock(_Logging, ABC):
    """Asks and changes a database."""

    @abstractmethod
    def fetch_one(
        self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any
    ) -> tuple[Any, ...]:
        """Return one row."""

    @abstractmethod
    def fetch_many(
        self, operation: str, parameters: dict[str, Any] | None = None, size: int | None = None, **execution_kwargs: Any
    ) -> list[tuple[Any, ...]]:
        """Return some rows."""

    @abstractmethod
    def fetch_all(
        self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any
    ) -> list[tuple[Any, ...]]:
        """Return all rows."""

    @abstractmethod
    def execute(self, operation: str, parameters: dict[str, Any] | None = None, **execution_kwargs: Any) -> None:
        """Do something that returns nothing."""

    @abstractmethod
    def execute_many(self, operation: str, seq_of_parameters: list[dict[str, Any]], **execution_kwargs: Any) -> None:
        """Do it once for each of the parameters."""


class ObjectStorageBlock(_Logging, ABC):
    """Brings files to and from a store."""

    @abstractmethod
    def download_object_to_path(self, from_path: str, to_path: str | Path, **download_kwargs: Any) -> Path:
        """Bring an object to a file."""

    @abstractmethod
    def download_object_to_file_object(
        self, from_path: str, to_file_object: BinaryIO, **download_kwargs: Any
    ) -> BinaryIO:
        """Bring an object to an open file."""

    @abstractmethod
    def download_folder_to_path(self, from_folder: str, to_folder: str | Path, **download_kwargs: Any) -> Path:
        """Bring all that is below a folder to a local one."""

    @abstractmethod
    def upload_from_path(self, from_path: str | Path, to_path: str, **upload_kwargs: Any) -> str:
        """Bring a file to the store."""

    @abstractmethod
    def upload_from_file_object(self, from_file_object: BinaryIO, to_path: str, **upload_kwargs: Any) -> str:
        """Bring an open file to the store."""

    @abstractmethod
    def upload_from_folder(self, from_folder: str | Path, to_folder: str, **upload_kwargs: Any) -> str:
        """Bring a local folder to the store."""


class SecretBlock(_Logging, ABC):
    """Reads and writes a secret that is kept elsewhere."""

    @abstractmethod
    def read_secret(self) -> bytes:
        """Return the secret."""

    @abstractmethod
    def write_secret(self, secret_data: bytes) -> str:
        """Replace the secret, and return where it is."""
