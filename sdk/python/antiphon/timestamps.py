"""Between the contract's Timestamp and aware datetimes. Exact to the microsecond."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def write_timestamp(target: Timestamp, moment: datetime) -> None:
    """Set `target` to `moment`, which must know its time zone."""
    since = moment - EPOCH
    target.seconds = since.days * 86_400 + since.seconds
    target.nanos = since.microseconds * 1_000


def read_timestamp(source: Timestamp) -> datetime:
    """Return the moment, in UTC."""
    return EPOCH + timedelta(seconds=source.seconds, microseconds=source.nanos // 1_000)
