"""Secrets, to be kept in the database: encrypted under the server's keys (Fernet: AES-128-CBC and HMAC-SHA256)."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select

from antiphon_server.application.proposals import digest_of
from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.encryption_keys import ENCRYPTION_KEY, KeyRing
from antiphon_server.storage.block_tables import block_documents
from antiphon_server.storage.working_set import WorkingSet


class SecretBox:
    """Encrypts and decrypts. Safe to use from several threads. Raises what `KeyRing.keys` raises, too."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._fernet: MultiFernet | None = None
        self._found: tuple[str, ...] = ()

    def seal(self, working_set: WorkingSet, data: bytes) -> bytes:
        """Encrypts with the first key, which is made where there is none and never was one.

        Raises FailedPrecondition (ENCRYPTION_KEY_MISSING) where there are secrets already, but no key.
        """
        if self._known() is None:
            some = select(block_documents.c.id).where(block_documents.c.secrets.is_not(None)).limit(1)
            if working_set.connection.execute(some).one_or_none() is not None:
                raise FailedPrecondition(
                    "ENCRYPTION_KEY_MISSING",
                    f"the secrets in this database were encrypted with a key that is gone from {self._ring.place}. Put "
                    f"it back, or give it to the server by {ENCRYPTION_KEY}",
                )
            self._ring.make()
        return self._all().encrypt(data)

    def open(self, token: bytes, whose: str) -> bytes:
        """Decrypts with whichever key fits. Raises FailedPrecondition (ENCRYPTION_KEY_WRONG), which says `whose`."""
        try:
            return self._all(whose).decrypt(token)
        except InvalidToken:
            raise self._wrong(whose) from None

    def renew(self, token: bytes, whose: str) -> bytes:
        """The same secret under the first key. Raises as `open`."""
        try:
            return self._all(whose).rotate(token)
        except InvalidToken:
            raise self._wrong(whose) from None

    def digests_of(self, body: bytes) -> list[bytes]:
        """What a request with secrets may be remembered by: a digest for each key, the first key's first, and the plain
        one last. Who has the database alone cannot try out what the secrets may be.

        Where there is no key the plain one is all: then no secret was ever sealed, nor was that of this request.
        """
        keyed = [digest_of(body, key.encode()) for key in self._keys()]
        return [*keyed, digest_of(body)]

    def _known(self) -> MultiFernet | None:
        if self._fernet is None and self._keys():
            self._fernet = MultiFernet([Fernet(key) for key in self._keys()])
        return self._fernet

    def _keys(self) -> tuple[str, ...]:
        """Looked for until there are some."""
        if not self._found:
            self._found = self._ring.keys()
        return self._found

    def _all(self, whose: str = "a block document") -> MultiFernet:
        fernet = self._known()
        if fernet is None:
            raise self._wrong(whose)
        return fernet

    def _wrong(self, whose: str) -> FailedPrecondition:
        return FailedPrecondition(
            "ENCRYPTION_KEY_WRONG",
            f"the secrets of {whose} cannot be read: they were encrypted with a key that this server does not have. "
            f"Start it with {ENCRYPTION_KEY} set to the key of now and that of then, with a comma between, or save the "
            f"block anew. The first key encrypts; one in {self._ring.place} counts as the last",
        )
