"""Results of runs: small ones travel in the state, those that somebody asks to keep go to storage and a reference
travels."""

import asyncio
import importlib
import json
import logging
from datetime import datetime
from typing import Any, Final

from antiphon.exceptions import MissingResult, SerializationError
from antiphon.ids import new_id
from antiphon.payloads import REFERENCE, decode, encoding_of, from_bytes, make_payload, to_bytes_within
from antiphon.result_records import MARK, ResultRecord, ResultRecordMetadata
from antiphon.result_storage import ResultStorage
from antiphon.result_storage_opening import open_storage
from antiphon.settings import get_current_settings
from antiphon.v1.payload_pb2 import Payload

#: Bytes of an encoded value up to which it travels inline; the default of the setting `results.inline_limit`.
INLINE_LIMIT: Final = 32 * 1024

_logger = logging.getLogger("antiphon.results")


class ResultStore:
    """Keeps results and finds them again. Cheap to make; safe to use from several threads."""

    def __init__(
        self,
        result_storage: Any = None,
        *,
        metadata_storage: Any = None,
        lock_manager: Any = None,
        serializer: Any = None,
        cache_result_in_memory: bool = True,
    ) -> None:
        """`result_storage` is a folder, a URL, a storage block or its name; None means what the settings say.

        With a `metadata_storage` the descriptions of results lie there, and only their bytes in the other one.
        `serializer` is a Serializer or the name of one; None takes JSON where that is exact, else a pickle.
        Raises ResultStorageError where a place cannot be used, UnknownSerializer, TypeError.
        """
        self._storage = open_storage(result_storage) if result_storage is not None else None
        self._metadata = open_storage(metadata_storage) if metadata_storage is not None else None
        self.lock_manager = lock_manager
        self.serializer = _resolved(serializer)
        self.cache_result_in_memory = cache_result_in_memory

    @property
    def storage(self) -> ResultStorage:
        """Where results are kept."""
        return self._storage or default_storage()

    result_storage = storage

    @property
    def metadata_storage(self) -> ResultStorage | None:
        """Where their descriptions are kept, if a place was named for them."""
        return self._metadata

    @property
    def _heads(self) -> ResultStorage | None:
        """Where descriptions lie; None where that is with the results themselves, as in the same place they must."""
        metadata = self._metadata
        return metadata if metadata is not None and metadata.url != self.storage.url else None

    def prepare(
        self, value: Any, *, persist_result: bool | None, key: str | None = None, expiration: datetime | None = None
    ) -> tuple[Payload | None, ResultRecord | None]:
        """Return what a state carries for this value, and the record to be written for it; None where there is none.

        `persist_result` True keeps it in storage under `key`, False keeps nothing, None lets a small one travel inline.
        Raises SerializationError where it was asked to keep the value and that cannot be written.
        """
        if persist_result is False:
            return None, None
        if persist_result is None:
            return inline_payload(value), None
        record = ResultRecord.of(value, key or new_id(), serializer=self.serializer, expiration=expiration)
        return record.reference(self.storage.url), record

    def persist(self, value: Any, *, persist_result: bool | None, key: str | None = None) -> Payload | None:
        """As `prepare`, and write the record. Raises ResultStorageError too, where it cannot be written."""
        payload, record = self.prepare(value, persist_result=persist_result, key=key)
        if record is not None:
            self.write_record(record)
        return payload

    def write(self, obj: Any, key: str | None = None, expiration: datetime | None = None) -> ResultRecord:
        """Keep a value under a key, in place of what was there. Raises SerializationError, ResultStorageError."""
        record = ResultRecord.of(obj, key or new_id(), serializer=self.serializer, expiration=expiration)
        self.write_record(record)
        return record

    def write_record(self, record: ResultRecord) -> None:
        """Put a record where it belongs. Raises ResultStorageError."""
        key = record.metadata.storage_key
        heads = self._heads
        if heads is None:
            self.storage.write(key, record.content())
            return
        # The bytes first: a description that is there means that they are.
        self.storage.write(key, record.data)
        heads.write(key, record.head())

    def read(self, key: str) -> ResultRecord:
        """Return what is kept under a key. Raises MissingResult, SerializationError for what is damaged."""
        try:
            heads = self._heads
            if heads is None:
                return ResultRecord.read(key, self.storage.read(key))
            return ResultRecord.read(key, heads.read(key) + self.storage.read(key))
        except OSError as error:
            raise MissingResult(f"No result is kept under {self.storage.location(key)}: {_reason(error)}.") from error

    def find(self, key: str) -> ResultRecord | None:
        """Return what is kept under a key and may be used, with its value read; None where there is none. What cannot
        be used is reported, and counts as none."""
        try:
            record = self.read(key)
            if record.expired:
                return None
            _ = record.result
            return record
        except MissingResult as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                _logger.warning("%s It is taken as not there.", error)
        except SerializationError as error:
            _logger.warning("The result under key %r cannot be used and is made anew: %s", key, error)
        return None

    def exists(self, key: str) -> bool:
        """Whether a result that has not expired is kept under a key."""
        return self.find(key) is not None

    async def awrite(self, obj: Any, key: str | None = None, expiration: datetime | None = None) -> ResultRecord:
        """As `write`, without blocking the event loop."""
        return await asyncio.to_thread(self.write, obj, key, expiration)

    async def aread(self, key: str) -> ResultRecord:
        """As `read`, without blocking the event loop."""
        return await asyncio.to_thread(self.read, key)

    async def aexists(self, key: str) -> bool:
        """As `exists`, without blocking the event loop."""
        return await asyncio.to_thread(self.exists, key)

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

    def supports_isolation_level(self, level: Any) -> bool:
        """Whether transactions of this isolation level can be made: SERIALIZABLE ones need a lock manager."""
        return str(getattr(level, "name", level)) != "SERIALIZABLE" or self.lock_manager is not None

    def _fetch(self, reference: dict[str, Any]) -> bytes:
        """Read what a reference points to, from where it was written or, if that moved, from the storage set now."""
        key = reference["key"]
        written = self._storage if self._storage and self._storage.url == reference["storage"] else None
        written = written or open_storage(reference["storage"])
        places = [written] if self.storage.url == written.url else [written, self.storage]
        cause: OSError | None = None
        damaged = ""
        for place in places:
            try:
                content = place.read(key)
            except OSError as error:
                cause = cause or error
                continue
            data = content.partition(b"\n")[2] if content.startswith(MARK) else content
            facts = ResultRecordMetadata(key, reference["encoding"], reference["size"], reference["sha256"])
            if ResultRecord(facts, data).is_whole:
                return data
            damaged = damaged or place.location(key)
        if damaged:
            raise MissingResult(
                f"The result at {damaged} is not the one that was written: its size or digest differs. It was damaged, "
                "or another run with the same storage key replaced it. Run it again to get the result anew."
            )
        raise MissingResult(
            f"The result at {written.location(key)} cannot be read: {_reason(cause)}. It was deleted or is kept on "
            "another machine. Run it again, or set ANTIPHON_RESULTS_LOCAL_STORAGE_PATH to the folder where it is now."
        ) from cause


def default_storage() -> ResultStorage:
    """Return where results are kept that nobody named a place for. Raises ResultStorageError."""
    settings = get_current_settings()
    return open_storage(settings.results.default_storage_block or settings.results.local_storage_path)


def inline_payload(value: Any) -> Payload | None:
    """Return what a state carries of a value that nobody asked to keep: all of it where it is small, else None."""
    try:
        kept = to_bytes_within(value, get_current_settings().results.inline_limit)
    except SerializationError as error:
        _logger.debug("A result is not kept: %s", error)
        return None
    return make_payload(*kept) if kept is not None else None


def load(payload: Payload) -> Any:
    """Return the value of a payload, wherever it is kept; as `ResultStore.load` with the settings' storage."""
    return ResultStore().load(payload)


def is_reference(payload: Payload) -> bool:
    """Whether the value has to be fetched from storage."""
    return encoding_of(payload) == REFERENCE


def _resolved(serializer: Any) -> Any:
    name = serializer if serializer is not None else get_current_settings().results.default_serializer
    if name is None:
        return None
    # Loaded where a task has chosen one: it brings Pydantic with it.
    return importlib.import_module("antiphon.serializers").resolve_serializer(name)


def _reason(error: OSError | None) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error)


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
