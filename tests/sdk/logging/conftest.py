"""What is logged, and where it goes."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from antiphon.context import FlowRunContext
from antiphon.logging import set_log_sink, setup_logging
from antiphon.settings import temporary_settings
from antiphon.v1.log_pb2 import Log

FLOW_RUN_ID = "0190b0a0-0000-7000-8000-00000000000f"


@pytest.fixture
def logs() -> Iterator[list[Log]]:
    """What reaches the sink; logging is set up, and as before afterwards."""
    taken: list[Log] = []
    before = set_log_sink(taken.append)
    with temporary_settings({"logging_level": "DEBUG"}):
        setup_logging()
        yield taken
    set_log_sink(before)
    setup_logging()


@pytest.fixture
def flow_run() -> FlowRunContext:
    """A flow run to enter."""
    flow = SimpleNamespace(name="etl")
    return FlowRunContext(flow=flow, flow_run_id=FLOW_RUN_ID, flow_run_name="brisk-otter", flow_name="etl")


class Terminal(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Callable[..., contextlib.AbstractContextManager[io.StringIO]]:
    """`with console() as stream:` has the standard error go to a stream; `terminal=True` for one with colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    @contextlib.contextmanager
    def redirected(*, terminal: bool = False) -> Iterator[io.StringIO]:
        stream = Terminal() if terminal else io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            yield stream

    return redirected
