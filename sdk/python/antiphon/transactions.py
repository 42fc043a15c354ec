"""Transactions: results that count together or not at all, with hooks for both.

with transaction() as txn:
    write_file(contents)   # a task with an on_rollback hook
    check(contents)        # when this raises, the hook is called
"""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

from antiphon.engine.drivers import adrive, drive
from antiphon.engine.dual import session_around
from antiphon.engine.transaction_life import Hook, TransactionCore, active_transaction
from antiphon.engine.transaction_modes import CommitMode, IsolationLevel, TransactionState, as_isolation_level
from antiphon.result_options import get_result_store
from antiphon.result_store import ResultStore
from antiphon.session.registry import get_session
from antiphon.session.session import Session

__all__ = [
    "AsyncTransaction",
    "BaseTransaction",
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "TransactionState",
    "atransaction",
    "get_transaction",
    "transaction",
]

BaseTransaction = TransactionCore


class Transaction(TransactionCore):
    """A transaction of sync code, for a `with` block."""

    _activation: Any = None

    def begin(self) -> None:
        """Take the lock if there is one, and look whether a result is there. Entering the block does so."""
        drive(self.beginning(), _session(self))

    def commit(self) -> bool:
        """Commit now; says whether that went well."""
        return bool(drive(self.committing(), _session(self)))

    def rollback(self) -> bool:
        """Roll back now; says whether there was anything to do."""
        return bool(drive(self.rolling_back(), _session(self)))

    def run_hook(self, hook: Hook, hook_type: str) -> None:
        """Call one hook. What it raises passes through."""
        problem = drive(self._call(hook), _session(self))
        if problem is not None:
            raise problem

    def __enter__(self) -> Self:
        self.begin()
        self._activation = self.as_active()
        self._activation.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._activation.__exit__(None, None, None)
        drive(self.ending(failed=error is not None), _session(self))


class AsyncTransaction(TransactionCore):
    """A transaction of async code, for an `async with` block."""

    _activation: Any = None

    async def begin(self) -> None:
        """As `Transaction.begin`."""
        await adrive(self.beginning(), None)

    async def commit(self) -> bool:
        """As `Transaction.commit`."""
        return bool(await adrive(self.committing(), _session(self)))

    async def rollback(self) -> bool:
        """As `Transaction.rollback`."""
        return bool(await adrive(self.rolling_back(), _session(self)))

    async def run_hook(self, hook: Hook, hook_type: str) -> None:
        """As `Transaction.run_hook`."""
        problem = await adrive(self._call(hook), _session(self))
        if problem is not None:
            raise problem

    async def __aenter__(self) -> Self:
        await self.begin()
        self._activation = self.as_active()
        self._activation.__enter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._activation.__exit__(None, None, None)
        await adrive(self.ending(failed=error is not None), _session(self))


def _session(transaction: TransactionCore) -> Session | None:
    """By which the server hears of task runs that are rolled back; where there are none, none is opened."""
    around: Session | None = session_around()
    top = transaction.parent or transaction
    return around or (get_session() if top.has_task_runs() or transaction.has_task_runs() else None)


def get_transaction() -> TransactionCore | None:
    """Return the transaction that the calling code is part of: that of a `with transaction()`, or of a task run."""
    return active_transaction()


@contextmanager
def transaction(
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | str | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: logging.Logger | logging.LoggerAdapter[Any] | None = None,
) -> Iterator[Transaction]:
    """Open a transaction for a `with` block.

    With a `key`, what is staged is written to the `store` (None: that of the run around) under it, and a transaction
    that finds a result there is committed at once (`txn.is_committed()`, `txn.read()`) unless it is to `overwrite`. An
    exception that leaves the block rolls back what was done inside, the last first, and passes on. See CommitMode and
    IsolationLevel.
    Raises ConfigurationError for a SERIALIZABLE one whose store has no lock manager.
    """
    with Transaction(**_options(key, store, commit_mode, isolation_level, overwrite, write_on_commit, logger)) as txn:
        yield txn


@asynccontextmanager
async def atransaction(
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | str | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: logging.Logger | logging.LoggerAdapter[Any] | None = None,
) -> AsyncIterator[AsyncTransaction]:
    """As `transaction`, for an `async with` block."""
    options = _options(key, store, commit_mode, isolation_level, overwrite, write_on_commit, logger)
    async with AsyncTransaction(**options) as txn:
        yield txn


def _options(
    key: str | None,
    store: ResultStore | None,
    commit_mode: CommitMode | None,
    isolation_level: Any,
    overwrite: bool,
    write_on_commit: bool,
    logger: Any,
) -> dict[str, Any]:
    return {
        "key": key,
        "store": get_result_store() if store is None and key is not None else store,
        "commit_mode": commit_mode,
        "isolation_level": as_isolation_level(isolation_level),
        "overwrite": overwrite,
        "write_on_commit": write_on_commit,
        "logger": logger,
    }
