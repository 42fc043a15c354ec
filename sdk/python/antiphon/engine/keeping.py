"""Keeping the result of one run: what of it travels, and what is written."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from antiphon.annotations import NotSet
from antiphon.engine.effects import Ask, Life
from antiphon.exceptions import ResultStorageError, SerializationError
from antiphon.result_options import ResultOptions
from antiphon.result_records import ResultRecord
from antiphon.result_store import ResultStore, inline_payload
from antiphon.state_core import State
from antiphon.state_rules import exception_to_failed_state
from antiphon.v1.payload_pb2 import Payload

#: Before the cause, where a run fails whose function had ended well.
NOT_KEPT = "The result could not be kept"


class Keeper:
    """Stands in for a ResultStore while a state is made of a run's result; writing is left to its owner."""

    def __init__(
        self,
        options: ResultOptions,
        store: ResultStore | None = None,
        storage_key: str | None = None,
        expiration: timedelta | None = None,
    ) -> None:
        self.options = options
        self.storage_key = storage_key
        self._given_store = store
        self._expiration = expiration
        #: To be written.
        self.record: ResultRecord | None = None
        #: Why there is no record, where one was asked for.
        self.problem: SerializationError | None = None

    @cached_property
    def store(self) -> ResultStore:
        """Where the record belongs. Raises as `ResultStore`."""
        return self._given_store or self.options.store()

    def persist(self, value: Any, *, persist_result: bool | None, key: str | None = None) -> Payload | None:
        """Return what the state carries of its value."""
        if persist_result is False:
            return None
        if persist_result is None:
            small = inline_payload(value)
            if small is not None or not self.options.keep_large:
                return small
        expiration = datetime.now(UTC) + self._expiration if self._expiration is not None else None
        try:
            payload, self.record = self.store.prepare(value, persist_result=True, key=key, expiration=expiration)
        except SerializationError as error:
            self.problem = error
            return None
        return payload

    def write(self) -> None:
        """Write the record. Raises ResultStorageError."""
        assert self.record is not None
        self.store.write_record(self.record)


def kept(state: State, keeper: Keeper, logger: Any) -> Life:
    """An engine's part: writes what is to be written for a final state; gives the state, or a failed one."""
    report(keeper, logger)
    if keeper.record is not None:
        try:
            yield Ask(keeper.write)
        except ResultStorageError as error:
            return exception_to_failed_state(error, message=NOT_KEPT)
    return settled(state, keeper)


def report(keeper: Keeper, logger: Any) -> None:
    """Tells the person who asked for the result to be kept why it is not."""
    if keeper.problem is not None:
        logger.warning("The result is in this process only: %s", keeper.problem)


def settled(state: State, keeper: Keeper) -> State:
    """The state without its value where that is not to stay in this process."""
    if not keeper.options.in_memory and state.data is not None and state.is_completed():
        state.keep(NotSet)
    return state
