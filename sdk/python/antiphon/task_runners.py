"""Where submitted tasks run."""

from typing import TypeAlias

from antiphon.runners.base import TaskRunner
from antiphon.runners.processes import ProcessPoolTaskRunner
from antiphon.runners.queued import AntiphonTaskRunner
from antiphon.runners.threads import ThreadPoolTaskRunner

__all__ = [
    "AntiphonTaskRunner",
    "ConcurrentTaskRunner",
    "ProcessPoolTaskRunner",
    "TaskRunner",
    "ThreadPoolTaskRunner",
]

#: The name that it had before there were others.
ConcurrentTaskRunner: TypeAlias = ThreadPoolTaskRunner
