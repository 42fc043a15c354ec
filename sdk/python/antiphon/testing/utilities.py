"""What a test of flows and tasks needs."""

from antiphon.testing.assertions import (
    aget_most_recent_flow_run,
    assert_blocks_equal,
    assert_does_not_warn,
    assert_uses_result_serializer,
    assert_uses_result_storage,
    exceptions_equal,
    get_most_recent_flow_run,
)
from antiphon.testing.fake_clock import FakeClock
from antiphon.testing.harness import Harness, antiphon_test_harness

__all__ = [
    "FakeClock",
    "Harness",
    "aget_most_recent_flow_run",
    "antiphon_test_harness",
    "assert_blocks_equal",
    "assert_does_not_warn",
    "assert_uses_result_serializer",
    "assert_uses_result_storage",
    "exceptions_equal",
    "get_most_recent_flow_run",
]
