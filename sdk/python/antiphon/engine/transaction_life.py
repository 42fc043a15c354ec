"""How a transaction lives: begun, staged, and committed or rolled back with those inside it."""

import copy
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from antiphon.annotations import NotSet
from antiphon.engine.effects import Ask, Body, Call, Life, Outcome, Send
from antiphon.engine.key_lock import KeyLock
from antiphon.engine.scopes import RunScope, standing_in
from antiphon.engine.transaction_modes import CommitMode, IsolationLevel, TransactionState
from antiphon.exceptions import ConfigurationError, ResultStorageError, SerializationError
from antiphon.ids import new_id
from antiphon.result_records import ResultRecord
from antiphon.result_store import ResultStore
from antiphon.signatures import function_name

_active: ContextVar["TransactionCore | None"] = ContextVar("antiphon_transaction", default=None)

Hook = Callable[[Any], Any]


class TransactionCore:
    """What sync and async transactions have in common. Methods in `-ing` are parts of engines."""

    def __init__(
        self,
        *,
        key: str | None = None,
        store: ResultStore | None = None,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | None = None,
        overwrite: bool = False,
        write_on_commit: bool = True,
        logger: Any = None,
    ) -> None:
        """Raises ConfigurationError for a SERIALIZABLE transaction whose store has no lock manager."""
        self.parent: TransactionCore | None = _active.get()
        self.key = key
        self.store = store
        inherited = self.parent.commit_mode if self.parent is not None else CommitMode.LAZY
        self.commit_mode: CommitMode = commit_mode or inherited
        self.isolation_level = isolation_level or IsolationLevel.READ_COMMITTED
        self.overwrite = overwrite
        self.write_on_commit = write_on_commit
        self.logger = logger or logging.getLogger("antiphon.transactions")
        self.state = TransactionState.PENDING
        self.children: list[TransactionCore] = []
        self.on_commit_hooks: list[Hook] = []
        self.on_rollback_hooks: list[Hook] = []
        #: What tells the server that a task run was rolled back.
        self.undoing: tuple[Body, ...] = ()
        #: Why the result could not be written.
        self.write_error: ResultStorageError | None = None
        self._values: dict[str, Any] = {}
        self._staged: Any = NotSet
        self._record: ResultRecord | None = None
        self._rolling_back = False
        #: Of an outermost one, see `_holder`.
        self._name = ""
        self._lock: KeyLock | None = None
        #: Held while one joins `children`, this one ends, or gets its name.
        self._membership = threading.Lock()
        if self.isolation_level is IsolationLevel.SERIALIZABLE and key is not None:
            assert self.store is not None
            if self.store.lock_manager is None:
                raise ConfigurationError(
                    "A SERIALIZABLE transaction needs a lock manager: give one to the store, "
                    "ResultStore(lock_manager=MemoryLockManager()), or to the cache policy, "
                    "INPUTS.configure(lock_manager=..., isolation_level=...)."
                )

    def has_task_runs(self) -> bool:
        """Whether it is that of a task run, or such are inside."""
        return bool(self.undoing) or any(child.has_task_runs() for child in self.children)

    def is_pending(self) -> bool:
        return self.state is TransactionState.PENDING

    def is_active(self) -> bool:
        return self.state is TransactionState.ACTIVE

    def is_staged(self) -> bool:
        return self.state is TransactionState.STAGED

    def is_committed(self) -> bool:
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        return self.state is TransactionState.ROLLED_BACK

    def get_parent(self) -> "TransactionCore | None":
        """Return the transaction around this one."""
        return self.parent

    @staticmethod
    def get_active() -> "TransactionCore | None":
        """Return the transaction that the calling code is part of."""
        return _active.get()

    def set(self, name: str, value: Any) -> None:
        """Keep a value for hooks, and for the transactions inside."""
        self._values[name] = value

    def get(self, name: str, default: Any = NotSet) -> Any:
        """Return a copy of a value of this transaction or of one around it. Raises ValueError where nobody set it and
        there is no default."""
        around: TransactionCore | None = self
        while around is not None:
            if name in around._values:
                return copy.deepcopy(around._values[name])
            around = around.parent
        if default is NotSet:
            raise ValueError(
                f"No value {name!r} was set in this transaction or in one around it. Set it before with "
                f"txn.set({name!r}, ...), or give a default: txn.get({name!r}, None)."
            )
        return default

    def read(self) -> ResultRecord | None:
        """Return what is kept under the key; None where nothing is."""
        if self._record is None and self.key is not None and self.store is not None:
            self._record = self.store.find(self.key)
        return self._record

    def stage(
        self, value: Any, on_rollback_hooks: list[Hook] | None = None, on_commit_hooks: list[Hook] | None = None
    ) -> None:
        """Have a value written when the transaction commits, and hooks called. Nothing where it has committed."""
        if self.is_committed():
            return
        self.on_commit_hooks.extend(on_commit_hooks or ())
        self.on_rollback_hooks.extend(on_rollback_hooks or ())
        self._staged = value
        self.state = TransactionState.STAGED

    @contextmanager
    def as_active(self) -> Iterator["TransactionCore"]:
        """Makes it the transaction that code inside is part of."""
        token = _active.set(self)
        try:
            yield self
        finally:
            _active.reset(token)

    @property
    def is_plain(self) -> bool:
        """Whether committing it does nothing."""
        return self.key is None and not self.children and not self.on_commit_hooks

    def beginning(self) -> Life:
        """Takes the lock where there is one, and looks whether a result is there already."""
        self.state = TransactionState.ACTIVE
        if self.key is None:
            return
        store, key = self.store, self.key
        assert store is not None
        if self.isolation_level is IsolationLevel.SERIALIZABLE:
            self._lock = KeyLock(store.lock_manager, key, self._holder, self.logger)
            yield from self._lock.taking()
        if self.overwrite:
            return
        try:
            self._record = yield Ask(lambda: store.find(key))
        except BaseException:
            self.unlock()
            raise
        if self._record is not None:
            self.state = TransactionState.COMMITTED
            self.unlock()

    def beginning_anew(self) -> Life:
        """After a rollback, for another attempt at what was done inside."""
        self.on_commit_hooks, self.on_rollback_hooks, self.children = [], [], []
        self.write_error, self._staged = None, NotSet
        self.state = TransactionState.ACTIVE
        if self._lock is not None:
            yield from self._lock.taking()

    def ending(self, *, failed: bool) -> Life:
        """The code inside has ended: commits, rolls back, or leaves it to the one around."""
        parent = self.parent
        if failed:
            yield from self.rolling_back()
            if parent is not None:
                yield from parent.rolling_back()
        elif parent is not None and parent.is_rolled_back():
            yield from self.rolling_back()
        elif self.commit_mode is CommitMode.EAGER:
            yield from self.committing()
        elif parent is not None:
            if not parent._takes_in(self):
                # It has ended before what was submitted inside.
                yield from (self.committing() if parent.is_committed() else self.rolling_back())
        elif self.commit_mode is CommitMode.OFF:
            yield from self.rolling_back()
        else:
            yield from self.committing()

    def _takes_in(self, child: "TransactionCore") -> bool:
        """Has it commit and roll back with this one; False where this one has ended."""
        with self._membership:
            if self.is_committed() or self.is_rolled_back():
                return False
            self.children.append(child)
            return True

    def committing(self) -> Life:
        """Commits those inside, calls the hooks, writes the value; gives whether that went well. What goes wrong is
        logged, and rolls it back."""
        if self.is_committed() or self.is_rolled_back():
            return False
        count: int = yield from self._children_committing(0)
        problem = yield from self._committed()
        if problem is None:
            # What was submitted inside may have ended meanwhile.
            while not self._is_settled(count):
                count = yield from self._children_committing(count)
            self.unlock()
            return True
        self.logger.error("The transaction %scannot commit and is rolled back: %s", self._label(), problem)
        yield from self.rolling_back()
        return False

    def _children_committing(self, begin: int) -> Life:
        """Commits those from the number `begin` on; gives how many there are."""
        children = self.children[begin:]
        for child in children:
            yield from child.committing()
        return begin + len(children)

    def _is_settled(self, count: int) -> bool:
        """Makes it COMMITTED where `count` are all that are inside; says whether it is."""
        with self._membership:
            if len(self.children) == count:
                self.state = TransactionState.COMMITTED
        return self.is_committed()

    def _committed(self) -> Life:
        """Gives what kept it from committing, if anything."""
        for hook in self.on_commit_hooks:
            problem = yield from self._call(hook)
            if problem is not None:
                return f"its hook {function_name(hook)} raised {problem!r}"
        if self.key is None or not self.write_on_commit or self._staged is NotSet:
            return None
        try:
            yield Ask(self._write)
        except ResultStorageError as error:
            self.write_error = error
            return error
        except SerializationError as error:
            return error
        return None

    def _write(self) -> None:
        store, key, staged = self.store, self.key, self._staged
        assert store is not None and key is not None
        record = (
            staged if isinstance(staged, ResultRecord) else ResultRecord.of(staged, key, serializer=store.serializer)
        )
        store.write_record(record)
        self._record = record

    def rolling_back(self) -> Life:
        """Calls the hooks, the last one first, and rolls back those inside; gives whether there was anything to do."""
        if self.is_committed() or self.is_rolled_back() or self._rolling_back:
            return False
        self._rolling_back = True
        try:
            for hook in reversed(self.on_rollback_hooks):
                problem = yield from self._call(hook)
                if problem is not None:
                    self.logger.error(
                        "Rollback hook %s raised %r; it is ignored.", function_name(hook), problem, exc_info=problem
                    )
            with self._membership:
                self.state = TransactionState.ROLLED_BACK
            for child in reversed(self.children):
                yield from child.rolling_back()
        finally:
            # What a retry stages anew can be rolled back anew.
            self._rolling_back = False
            self.unlock()
        if self.undoing:
            yield Send(self.undoing, wait=False)
        return True

    def _call(self, hook: Hook) -> Life:
        scope = RunScope()
        outcome: Outcome = yield Call(hook, (self,), {}, scope, (standing_in(scope),))
        if outcome.error is not None and not isinstance(outcome.error, Exception):
            raise outcome.error
        return outcome.error

    @property
    def _holder(self) -> str:
        """By which name this transaction holds a lock: that of the outermost around it. Made when it is first needed,
        since most have no lock."""
        if self.parent is not None:
            return self.parent._holder
        with self._membership:
            self._name = self._name or new_id()
        return self._name

    def unlock(self) -> None:
        """Gives the lock back, if this transaction has taken it."""
        if self._lock is not None:
            self._lock.give_back()

    def _label(self) -> str:
        return f"{self.key!r} " if self.key is not None else ""


def active_transaction() -> TransactionCore | None:
    """Return the transaction that the calling code is part of."""
    return _active.get()
