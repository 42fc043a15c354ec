"""Loggers: of runs, of workers, of Antiphon itself; and what redirects or overhears them."""

from antiphon.logging.eavesdropping import LogEavesdropper
from antiphon.logging.prints import patch_print, print_as_log
from antiphon.logging.run_loggers import (
    AntiphonLogAdapter,
    disable_logger,
    disable_run_logger,
    flow_run_logger,
    get_logger,
    get_run_logger,
    get_worker_logger,
    task_run_logger,
)

__all__ = [
    "AntiphonLogAdapter",
    "LogEavesdropper",
    "disable_logger",
    "disable_run_logger",
    "flow_run_logger",
    "get_logger",
    "get_run_logger",
    "get_worker_logger",
    "patch_print",
    "print_as_log",
    "task_run_logger",
]
