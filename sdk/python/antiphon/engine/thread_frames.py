"""What threads are at."""

import gc
import sys
from collections.abc import Mapping
from types import FrameType


def frames_of_threads() -> Mapping[int, FrameType]:
    """Return the innermost frame of each thread by the thread's identifier.

    Before Python 3.11.9 a collection of garbage in the middle of `sys._current_frames` may block the process for ever
    when a thread begins meanwhile (python/cpython#106883).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collecting:
            gc.enable()
