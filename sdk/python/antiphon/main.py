"""The names that most programs need, in one module that is loaded whole."""

from antiphon.annotations import allow_failure, unmapped
from antiphon.client import get_client
from antiphon.context import tags
from antiphon.flow_runs import (
    apause_flow_run,
    aresume_flow_run,
    asuspend_flow_run,
    pause_flow_run,
    resume_flow_run,
    suspend_flow_run,
)
from antiphon.flow_serving import aserve, serve
from antiphon.flows import Flow, flow
from antiphon.logging.loggers import get_run_logger
from antiphon.states import State
from antiphon.tasks import Task, task
from antiphon.transactions import Transaction

__all__ = [
    "Flow",
    "State",
    "Task",
    "Transaction",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "aserve",
    "asuspend_flow_run",
    "flow",
    "get_client",
    "get_run_logger",
    "pause_flow_run",
    "resume_flow_run",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]
