"""Futures: of task runs in this process, and of task runs and flow runs that run anywhere."""

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
    "AntiphonDistributedFuture",
    "AntiphonFlowRunFuture",
    "AntiphonFuture",
    "AntiphonFutureList",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]
