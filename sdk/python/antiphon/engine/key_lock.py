"""The lock on the key of a SERIALIZABLE transaction."""

from contextlib import suppress
from typing import Any

from antiphon.engine.effects import Ask, Call, Life, Outcome
from antiphon.engine.scopes import RunScope


class KeyLock:
    """One transaction's. All that stand one in the other share a holder, so that they do not wait for each other: the
    first of them that takes the lock gives it back."""

    def __init__(self, manager: Any, key: str, holder: str, logger: Any) -> None:
        """`manager` is an `antiphon.locking.LockManager`, or one of somebody else's making with the same methods."""
        self._manager = manager
        self._key = key
        self._holder = holder
        self._logger = logger
        self._is_ours = False

    def taking(self) -> Life:
        """An engine's part: waits until the holder has it."""
        if (yield Ask(lambda: self._manager.is_lock_holder(self._key, self._holder))):
            return
        try:
            yield from self._acquired()
        except BaseException:
            # The wait may have been cut short just as it had come about.
            with suppress(Exception):
                self._manager.release_lock(self._key, self._holder)
            raise
        self._is_ours = True

    def give_back(self) -> None:
        """Does nothing where it was not taken here. What goes wrong is logged: what was done under the lock is done."""
        if not self._is_ours:
            return
        self._is_ours = False
        try:
            self._manager.release_lock(self._key, self._holder)
        except Exception as error:  # noqa: BLE001 - that of a lock server's client may be anything
            self._logger.warning("The lock on the transaction's key %r could not be given back: %s", self._key, error)

    def _acquired(self) -> Life:
        acquiring = getattr(self._manager, "acquiring", None)
        if acquiring is not None:
            yield from acquiring(self._key, self._holder)
            return
        outcome: Outcome = yield Call(self._manager.aacquire_lock, (self._key, self._holder), {}, RunScope())
        if outcome.error is not None:
            raise outcome.error
