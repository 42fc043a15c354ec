"""What threads are at, and that looking at it leaves the collection of garbage as it was."""

import gc
import threading
from collections.abc import Iterator

import pytest

from antiphon.engine.thread_frames import frames_of_threads


@pytest.fixture(params=[True, False])
def collecting(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_threads_have_a_frame_each(collecting: bool) -> None:
    gone = threading.Event()
    thread = threading.Thread(target=gone.wait)
    thread.start()
    try:
        frames = frames_of_threads()
        assert {threading.get_ident(), thread.ident} <= frames.keys()
        assert gc.isenabled() is collecting
    finally:
        gone.set()
        thread.join()
