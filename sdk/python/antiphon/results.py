"""Results of runs: small ones travel in the state, large ones go to storage and a reference travels."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any, Final

from antiphon.exceptions import MissingResult, SerializationError
from antiphon.ids import new_id
from antiphon.payloads import REFERENCE, decode, encoding_of, from_bytes, make_payload, to_bytes
from antiphon.result_storage import ResultStorage
from antiphon.result_storage_opening import open_storage
from antiphon.settings import get_current_settings
from antiphon.v1.payload_pb2 import Payload

#: Bytes of an encoded value up to which it travels inline.
INLINE_LIMIT: Final = 32 * 1024

_logger = logging.getLogger("antiphon.results")


class ResultStore:
    """Keeps results and finds them again. Cheap to make; safe to use from several threads."""

    def __init__(self, storage: str | Path | ResultStorage | None = None) -> None:
        """`storage` is a folder, a URL or a storage; None means the folder that the settings name.

        Raises ResultStorageError where a URL cannot be used.
        """
        self._storage = open_storage(storage) if isinstance(storage, str | Path) else storage

    @property
    def storage(self) -> ResultStorage:
        """Where large results go."""
        return self._storage or open_storage(get_current_settings().results.local_storage_path)

    def persist(self, value: Any, *, persist_result: bool | None, key: str | None = None) -> Payload | None:
        """Return what a state carries for this value; None where it is not kept.

        `persist_result` True insists, False keeps nothing, None keeps what can be kept unless the setting
        `results_persist_by_default` is off. `key` names a large result's place in the storage; a second result under
        the same key replaces the first.
        Raises SerializationError where True insists and the value cannot be kept, ResultStorageError where it cannot be
        written.
        """
        if persist_result is False or (
            persist_result is None and not get_current_settings().results.persist_by_default
        ):
            return None
        try:
            encoding, data = to_bytes(value)
        except SerializationError as error:
            if persist_result:
                raise
            _logger.debug("A result is not kept: %s", error)
            return None
        if len(data) <= INLINE_LIMIT:
            return make_payload(encoding, data)
        return self._write(encoding, data, new_id() if key is None else key)

    def load(self, payload: Payload) -> Any:
        """Return the value of a payload, fetched from storage where it is a reference.

        Raises MissingResult where it is no longer there or not what was written, SerializationError where it cannot be
        read here.
        """
        if encoding_of(payload) != REFERENCE:
            return decode(payload)
        reference = _read_reference(payload)
        data = self._fetch(reference)
        return from_bytes(reference["encoding"], data)

    def _write(self, encoding: str, data: bytes, key: str) -> Payload:
        storage = self.storage
        storage.write(key, data)
        reference = {
            "storage": storage.url,
            "key": key,
            "size": len(data),
            "encoding": encoding,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        return make_payload(REFERENCE, json.dumps(reference, separators=(",", ":")).encode())

    def _fetch(self, reference: dict[str, Any]) -> bytes:
        """Read what a reference points to, from where it was written or, if that moved, from the storage set now."""
        key = reference["key"]
        written = open_storage(reference["storage"])
        places = [written] if self.storage.url == written.url else [written, self.storage]
        cause: OSError | None = None
        damaged = ""
        for place in places:
            try:
                data = place.read(key)
            except OSError as error:
                cause = cause or error
                continue
            if len(data) == reference["size"] and hashlib.sha256(data).hexdigest() == reference["sha256"]:
                return data
            damaged = damaged or place.location(key)
        if damaged:
            raise MissingResult(
                f"The result at {damaged} is not the one that was written: its size or digest differs. It was damaged, "
                "or another run with the same storage key replaced it. Run it again to get the result anew."
            )
        reason = "no such file" if isinstance(cause, FileNotFoundError) else str(cause)
        raise MissingResult(
            f"The result at {written.location(key)} cannot be read: {reason}. It was deleted or is kept on another "
            "machine. Run it again, or set ANTIPHON_RESULTS_LOCAL_STORAGE_PATH to the folder where it is now."
        ) from cause


def load(payload: Payload) -> Any:
    """Return the value of a payload, wherever it is kept; as `ResultStore.load` with the settings' storage."""
    return ResultStore().load(payload)


def is_reference(payload: Payload) -> bool:
    """Whether the value has to be fetched from storage."""
    return encoding_of(payload) == REFERENCE


def _read_reference(payload: Payload) -> dict[str, Any]:
    try:
        reference = json.loads(payload.data)
        fits = isinstance(reference["size"], int) and all(
            isinstance(reference[name], str) for name in ("storage", "key", "encoding", "sha256")
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SerializationError(f"A reference to a result cannot be read: {error!r}.") from error
    if not fits:
        raise SerializationError(f"A reference to a result has a field of a wrong type: {reference!r}.")
    return dict(reference)
