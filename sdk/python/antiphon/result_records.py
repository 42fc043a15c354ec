"""A result as it lies in storage: a line of JSON that describes it, and its bytes."""

import hashlib
import importlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from antiphon.annotations import NotSet
from antiphon.exceptions import SerializationError
from antiphon.payloads import REFERENCE, from_bytes, make_payload, to_bytes
from antiphon.v1.payload_pb2 import Payload

#: How a record begins; what does not is the bytes alone.
MARK: Final = b'{"antiphon_result":1,'


@dataclass(frozen=True, slots=True)
class ResultRecordMetadata:
    """What is known of a kept result beside its value."""

    storage_key: str
    encoding: str
    size: int
    sha256: str
    #: Until when it may stand for the value of another run; None for ever.
    expiration: datetime | None = None


class ResultRecord:
    """A value and its bytes. Made of either, by `of` or `read`."""

    __slots__ = ("_value", "data", "metadata")

    def __init__(self, metadata: ResultRecordMetadata, data: bytes, value: Any = NotSet) -> None:
        self.metadata = metadata
        self.data = data
        self._value = value

    @classmethod
    def of(cls, value: Any, key: str, *, serializer: Any = None, expiration: datetime | None = None) -> "ResultRecord":
        """Return the record of a value. Without a serializer it is JSON where that is exact, else a pickle.

        Raises SerializationError.
        """
        if serializer is None:
            encoding, data = to_bytes(value)
        else:
            encoding, data = importlib.import_module("antiphon.serializers").write_encoded(serializer, value)
        return cls(ResultRecordMetadata(key, encoding, len(data), _digest(data), expiration), data, value)

    @classmethod
    def read(cls, key: str, content: bytes) -> "ResultRecord":
        """Return the record that lies under a key. Raises SerializationError where it is none, or damaged."""
        head, _, data = content.partition(b"\n")
        if not content.startswith(MARK):
            raise SerializationError(f"What is kept under {key!r} is no result of Antiphon's.")
        try:
            facts = json.loads(head)
            expiration = datetime.fromisoformat(facts["expiration"]) if facts.get("expiration") else None
            metadata = ResultRecordMetadata(key, facts["encoding"], facts["size"], facts["sha256"], expiration)
        except (ValueError, KeyError, TypeError) as error:
            raise SerializationError(f"The result under {key!r} is damaged: {error!r}.") from error
        record = cls(metadata, data)
        if not record.is_whole:
            raise SerializationError(f"The result under {key!r} is damaged: its size or digest differs.")
        return record

    @property
    def is_whole(self) -> bool:
        """Whether the bytes are those that were written."""
        return len(self.data) == self.metadata.size and _digest(self.data) == self.metadata.sha256

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        expiration = self.metadata.expiration
        return expiration is not None and expiration <= datetime.now(UTC)

    @property
    def result(self) -> Any:
        """The value. Raises SerializationError where it cannot be read here."""
        if self._value is NotSet:
            self._value = from_bytes(self.metadata.encoding, self.data)
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.metadata!r})"

    def head(self) -> bytes:
        """The line that describes it."""
        facts: dict[str, Any] = {
            "antiphon_result": 1,
            "encoding": self.metadata.encoding,
            "size": self.metadata.size,
            "sha256": self.metadata.sha256,
        }
        if self.metadata.expiration is not None:
            facts["expiration"] = self.metadata.expiration.isoformat()
        return json.dumps(facts, separators=(",", ":")).encode() + b"\n"

    def content(self) -> bytes:
        """All of it, as it is written."""
        return self.head() + self.data

    def reference(self, storage_url: str) -> Payload:
        """Return the payload that says where it is."""
        facts = {
            "storage": storage_url,
            "key": self.metadata.storage_key,
            "size": self.metadata.size,
            "encoding": self.metadata.encoding,
            "sha256": self.metadata.sha256,
        }
        return make_payload(REFERENCE, json.dumps(facts, separators=(",", ":")).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
