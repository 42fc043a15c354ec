"""What people and programs tell a flow run."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from antiphon_server.application import transitions
from antiphon_server.domain.errors import AlreadyExists, NotFound
from antiphon_server.domain.model import RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet

#: Where the number of the newest input is kept: also when that one is deleted, no other gets it.
_COUNTER = "flow_run_input_sequence"


@dataclass(frozen=True, slots=True)
class FlowRunInput:
    """The fields are columns of `flow_run_inputs`."""

    flow_run_id: str
    key: str
    value: bytes
    sender: str = ""


@dataclass(frozen=True, slots=True)
class CreateFlowRunInput:
    """Tells a run something. Raises NotFound (FLOW_RUN_NOT_FOUND), AlreadyExists (FLOW_RUN_INPUT_EXISTS)."""

    input: FlowRunInput

    def needs(self, needs: Needs) -> None:
        needs.run(RunKind.FLOW_RUN, self.input.flow_run_id)

    def apply(self, working_set: WorkingSet) -> None:
        run_id, key = self.input.flow_run_id, self.input.key
        transitions.find_run(working_set, RunKind.FLOW_RUN, run_id)
        if working_set.connection.execute(select(tables.flow_run_inputs.c.key).where(_named(run_id, key))).first():
            raise AlreadyExists(
                "FLOW_RUN_INPUT_EXISTS",
                f"flow run {run_id} was told something under the key {key!r} before; take another key",
                field="flow_run_input.key",
            )
        _add(working_set, self.input)


@dataclass(frozen=True, slots=True)
class DeleteFlowRunInput:
    """Forgets one input. Raises NotFound (FLOW_RUN_NOT_FOUND, FLOW_RUN_INPUT_NOT_FOUND)."""

    run_id: str
    key: str

    def needs(self, needs: Needs) -> None:
        needs.run(RunKind.FLOW_RUN, self.run_id)

    def apply(self, working_set: WorkingSet) -> None:
        transitions.find_run(working_set, RunKind.FLOW_RUN, self.run_id)
        deleted = working_set.connection.execute(tables.flow_run_inputs.delete().where(_named(self.run_id, self.key)))
        if not deleted.rowcount:
            raise input_not_found(self.run_id, self.key)


def replace_input(working_set: WorkingSet, input: FlowRunInput) -> None:
    """Keeps an input in the place of an earlier one with its key."""
    inputs = tables.flow_run_inputs
    working_set.connection.execute(inputs.delete().where(_named(input.flow_run_id, input.key)))
    _add(working_set, input)


def input_not_found(run_id: str, key: str) -> NotFound:
    return NotFound(
        "FLOW_RUN_INPUT_NOT_FOUND",
        f"flow run {run_id} was told nothing under the key {key!r}; ListFlowRunInputs says what it was told",
    )


def stored_input(working_set: WorkingSet, run_id: str, key: str) -> Any:
    """The row as readers will see it."""
    return working_set.connection.execute(tables.flow_run_inputs.select().where(_named(run_id, key))).one()


def _named(run_id: str, key: str) -> ColumnElement[bool]:
    inputs = tables.flow_run_inputs
    return (inputs.c.flow_run_id == run_id) & (inputs.c.key == key)


def _add(working_set: WorkingSet, input: FlowRunInput) -> None:
    row = {**asdict(input), "create_time": working_set.now, "sequence": _next(working_set)}
    working_set.connection.execute(tables.flow_run_inputs.insert(), row)
    working_set.changes.told.add(input.flow_run_id)


def _next(working_set: WorkingSet) -> int:
    """A number that no input had before."""
    meta, connection = tables.meta, working_set.connection
    kept = connection.execute(select(meta.c.value).where(meta.c.key == _COUNTER)).scalar_one_or_none()
    if kept is None:
        highest = connection.execute(select(func.max(tables.flow_run_inputs.c.sequence))).scalar_one() or 0
        connection.execute(meta.insert(), {"key": _COUNTER, "value": b"%d" % (highest + 1)})
        return int(highest) + 1
    connection.execute(meta.update().where(meta.c.key == _COUNTER).values(value=b"%d" % (int(kept) + 1)))
    return int(kept) + 1
