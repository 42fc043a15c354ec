"""Futures: of task runs that were submitted, and of flow runs anywhere."""

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
    "AntiphonFlowRunFuture",
    "AntiphonFuture",
    "AntiphonFutureList",
    "DoneAndNotDoneFutures",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]
