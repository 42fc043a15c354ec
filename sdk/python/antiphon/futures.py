"""Futures of task runs: of those that this process runs, and of those that run anywhere."""

from antiphon.distributed_futures import AntiphonDistributedFuture
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
    "AntiphonFuture",
    "AntiphonFutureList",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]
