"""The keys under which secrets are kept: those that the operator gives, and the one in a file beside the database."""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from antiphon_server.disk import sync_folder
from antiphon_server.domain.errors import FailedPrecondition

#: The environment variable with the operator's keys.
ENCRYPTION_KEY = "ANTIPHON_SERVER_ENCRYPTION_KEY"
KEY_FILE = "encryption.key"
_BYTES = 32
_MAKE_ONE = "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"


def keys_of(text: str, source: str) -> tuple[str, ...]:
    """The Fernet keys in a text, with commas, spaces or line ends between them.

    Raises FailedPrecondition (ENCRYPTION_KEY_INVALID), which names the `source` and never a key.
    """
    keys = tuple(key for key in re.split(r"[\s,]+", text) if key)
    for place, key in enumerate(keys, 1):
        if not _is_key(key):
            raise FailedPrecondition(
                "ENCRYPTION_KEY_INVALID",
                f"{source}: key {place} of {len(keys)} is no Fernet key, which is {_BYTES} bytes in URL-safe base64. "
                f"{_MAKE_ONE}",
            )
    return keys


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == _BYTES
    except (binascii.Error, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys of one server. The first one encrypts, each may decrypt."""

    given: Sequence[str]
    #: Whose keys come after those that were given, where it is there; None where servers on several machines must have
    #: the same, so that none is kept on one of them.
    path: Path | None

    @classmethod
    def beside(cls, database: Path | str, given: Sequence[str]) -> "KeyRing":
        """The ring of a server that keeps its data in the file `database`, or at that URL."""
        return cls(given, database.with_name(KEY_FILE) if isinstance(database, Path) else None)

    @property
    def place(self) -> str:
        """Where keys are that were not given, for people."""
        return str(self.path) if self.path is not None else ENCRYPTION_KEY

    def keys(self) -> tuple[str, ...]:
        """All keys there are, perhaps none.

        Raises FailedPrecondition: ENCRYPTION_KEY_INVALID, ENCRYPTION_KEY_UNREADABLE.
        """
        return (*self.given, *self._kept())

    def make(self) -> None:
        """Makes a key and keeps it in the file, for this user's eyes only. One that is there stays.

        Raises FailedPrecondition: ENCRYPTION_KEY_UNREADABLE, and ENCRYPTION_KEY_MISSING where there is no file.
        """
        if self.path is None:
            raise FailedPrecondition(
                "ENCRYPTION_KEY_MISSING",
                "secrets need a key, which all servers of this database must have: start each of them with "
                f"{ENCRYPTION_KEY} set to the same one. {_MAKE_ONE}",
            )
        key = base64.urlsafe_b64encode(secrets.token_bytes(_BYTES))
        # Whole or not at all, and on the disk before anything is encrypted with it.
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, key + b"\n")
                os.fsync(descriptor)
                os.link(part, self.path)
            except FileExistsError:
                return
            finally:
                os.close(descriptor)
                part.unlink()
            sync_folder(self.path.parent)
        except OSError as error:
            raise self._unreadable("written", error) from error

    def _kept(self) -> tuple[str, ...]:
        if self.path is None:
            return ()
        try:
            return keys_of(self.path.read_text(encoding="ascii", errors="replace"), str(self.path))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unreadable("read", error) from error

    def _unreadable(self, verb: str, error: OSError) -> FailedPrecondition:
        return FailedPrecondition(
            "ENCRYPTION_KEY_UNREADABLE",
            f"the server's encryption key {self.path} cannot be {verb}: {error.strerror or error}. Mend that, or give "
            f"the server keys by {ENCRYPTION_KEY}",
        )
