"""Loggers of runs, and where their records go."""

from antiphon.logging.console import setup_logging
from antiphon.logging.handlers import RunLogHandler, set_log_sink
from antiphon.logging.loggers import disable_run_logger, get_logger, get_run_logger
from antiphon.logging.prints import patch_print, print_as_log

__all__ = [
    "RunLogHandler",
    "disable_run_logger",
    "get_logger",
    "get_run_logger",
    "patch_print",
    "print_as_log",
    "set_log_sink",
    "setup_logging",
]
