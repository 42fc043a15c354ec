"""Times and spans: `Timestamp` and `Duration` on the wire, integers of microseconds inside the server.

The wire can say nanoseconds, the server keeps microseconds: what is finer is cut off, towards the past for times and
towards zero for spans.
"""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from antiphon_server.domain.errors import InvalidArgument

_MICROS = 1_000_000
_NANOS = 1_000_000_000
_MIN_SECONDS = -62_135_596_800
_MAX_SECONDS = 253_402_300_799
_MAX_SPAN_SECONDS = 315_576_000_000

#: 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z, between which a `Timestamp` must lie.
MIN_TIME = _MIN_SECONDS * _MICROS
MAX_TIME = _MAX_SECONDS * _MICROS + _MICROS - 1
#: The longest `Duration`, about 10,000 years.
MAX_SPAN = _MAX_SPAN_SECONDS * _MICROS


def micros_to_timestamp(micros: int) -> Timestamp:
    """The time `micros` after the epoch. What no `Timestamp` can say becomes the nearest that it can."""
    seconds, rest = divmod(min(max(micros, MIN_TIME), MAX_TIME), _MICROS)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def timestamp_to_micros(timestamp: Timestamp, field: str | None = None) -> int:
    """Microseconds since the epoch; `field` is the request's path to the value, for the error.

    Raises InvalidArgument (TIME_INVALID) outside of the years 1 to 9999 and for nanos outside of 0 to 999,999,999.
    """
    seconds, nanos = timestamp.seconds, timestamp.nanos
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS or not 0 <= nanos < _NANOS:
        raise InvalidArgument(
            "TIME_INVALID",
            f"{field or 'the timestamp'} (seconds {seconds}, nanos {nanos}) is not a valid time: send seconds between"
            f" {_MIN_SECONDS} and {_MAX_SECONDS} (the years 1 to 9999) and nanos between 0 and 999999999",
            field=field,
        )
    return seconds * _MICROS + nanos // 1000


def micros_to_duration(micros: int) -> Duration:
    """A span of `micros`. What no `Duration` can say becomes the nearest that it can."""
    size = min(abs(micros), MAX_SPAN)
    sign = -1 if micros < 0 else 1
    return Duration(seconds=sign * (size // _MICROS), nanos=sign * (size % _MICROS) * 1000)


def duration_to_micros(duration: Duration, field: str | None = None) -> int:
    """The span in microseconds; `field` is the request's path to the value, for the error.

    Raises InvalidArgument (TIME_INVALID) beyond 10,000 years, for nanos beyond 999,999,999 and where seconds and nanos
    differ in sign.
    """
    seconds, nanos = duration.seconds, duration.nanos
    if abs(seconds) > _MAX_SPAN_SECONDS or abs(nanos) >= _NANOS or (seconds < 0 < nanos) or (nanos < 0 < seconds):
        raise InvalidArgument(
            "TIME_INVALID",
            f"{field or 'the duration'} (seconds {seconds}, nanos {nanos}) is not a valid span: send seconds within"
            f" +-{_MAX_SPAN_SECONDS} and nanos within +-999999999, both of one sign",
            field=field,
        )
    return seconds * _MICROS + int(nanos / 1000)
