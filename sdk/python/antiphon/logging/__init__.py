"""Loggers of runs, and where their records go."""

from antiphon.logging.configuration import setup_logging
from antiphon.logging.eavesdropping import LogEavesdropper
from antiphon.logging.handlers import APILogHandler, set_log_sink
from antiphon.logging.prints import patch_print, print_as_log
from antiphon.logging.run_loggers import disable_logger, disable_run_logger, get_logger, get_run_logger

__all__ = [
    "APILogHandler",
    "LogEavesdropper",
    "disable_logger",
    "disable_run_logger",
    "get_logger",
    "get_run_logger",
    "patch_print",
    "print_as_log",
    "set_log_sink",
    "setup_logging",
]
