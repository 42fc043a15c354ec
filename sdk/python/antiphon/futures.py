"""Futures: of task runs in this process, and of task runs and flow runs that run anywhere."""

from typing import TypeAlias

from antiphon.distributed_futures import AntiphonDistributedFuture
from antiphon.flow_run_futures import AntiphonFlowRunFuture
from antiphon.run_futures import (
    AntiphonFuture,
    AntiphonFutureList,
    DoneAndNotDoneFutures,
    as_completed,
    resolve_futures_to_results,
    resolve_futures_to_states,
    wait,
)

__all__ = [
    "AntiphonConcurrentFuture",
    "AntiphonDistributedFuture",
    "AntiphonFlowRunFuture",
    "AntiphonFuture",
    "AntiphonFutureList",
    "AntiphonTaskRunFuture",
    "AntiphonWrappedFuture",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]

#: There is one class of futures for what runs in this process, whichever runner has it; it goes by these names too.
AntiphonConcurrentFuture: TypeAlias = AntiphonFuture
AntiphonTaskRunFuture: TypeAlias = AntiphonFuture
AntiphonWrappedFuture: TypeAlias = AntiphonFuture
