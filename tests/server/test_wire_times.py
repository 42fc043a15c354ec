import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.wire_times import (
    MAX_SPAN,
    MAX_TIME,
    MIN_TIME,
    duration_to_micros,
    micros_to_duration,
    micros_to_timestamp,
    timestamp_to_micros,
)


@given(st.integers(MIN_TIME, MAX_TIME))
def test_times_go_there_and_back(micros: int) -> None:
    message = micros_to_timestamp(micros)
    assert timestamp_to_micros(message) == micros
    assert message.ToMicroseconds() == micros


@given(st.integers(-MAX_SPAN, MAX_SPAN))
def test_spans_go_there_and_back(micros: int) -> None:
    message = micros_to_duration(micros)
    assert duration_to_micros(message) == micros
    assert message.ToMicroseconds() == micros


def test_what_is_finer_than_a_microsecond_is_cut_off() -> None:
    assert timestamp_to_micros(Timestamp(seconds=-1, nanos=999_999_999)) == -1
    assert duration_to_micros(Duration(seconds=-1, nanos=-1_999)) == -1_000_001
    assert duration_to_micros(Duration(seconds=1, nanos=1_999)) == 1_000_001


def test_what_the_wire_cannot_say_becomes_the_nearest_that_it_can() -> None:
    assert timestamp_to_micros(micros_to_timestamp(MAX_TIME + 1)) == MAX_TIME
    assert timestamp_to_micros(micros_to_timestamp(MIN_TIME - 1)) == MIN_TIME
    assert duration_to_micros(micros_to_duration(MAX_SPAN + 1)) == MAX_SPAN
    assert duration_to_micros(micros_to_duration(-MAX_SPAN - 1)) == -MAX_SPAN


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000), (2**62, 0)]
)
def test_invalid_times_are_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidArgument, match=r"log\.create_time .*is not a valid time") as caught:
        timestamp_to_micros(Timestamp(seconds=seconds, nanos=nanos), "log.create_time")
    assert (caught.value.reason, caught.value.field) == ("TIME_INVALID", "log.create_time")


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(315_576_000_001, 0), (-315_576_000_001, 0), (1, -1), (-1, 1), (0, 1_000_000_000)]
)
def test_invalid_spans_are_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidArgument, match=r"the duration .*is not a valid span") as caught:
        duration_to_micros(Duration(seconds=seconds, nanos=nanos))
    assert caught.value.reason == "TIME_INVALID"
