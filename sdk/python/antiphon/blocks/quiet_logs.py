"""Keeps what other packages log, such as whole URLs, out of the logs: it may have secrets in it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_QUIET: ContextVar[frozenset[str]] = ContextVar("antiphon_quiet_loggers", default=frozenset())


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """The logger of this name says nothing meanwhile, in this context; that of other threads and tasks goes on."""
    # A filter that is there already is not added again.
    logging.getLogger(name).addFilter(_is_heard)
    token = _QUIET.set(_QUIET.get() | {name})
    try:
        yield
    finally:
        _QUIET.reset(token)


def _is_heard(record: logging.LogRecord) -> bool:
    return record.name not in _QUIET.get()
