"""Variables: made, changed and deleted, by id or by name."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from antiphon_server.application import rows
from antiphon_server.domain.errors import AlreadyExists, InvalidArgument, not_found
from antiphon_server.storage.user_tables import variables
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "variable"
#: Lists and objects in one another.
MAX_DEPTH = 100
UNKNOWN = "it was never set, or it was deleted"


@dataclass(slots=True)
class CreateVariable:
    """A variable by a name that is not taken. `values` are columns. The answer is its id."""

    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        _check_free(working_set, self.values["name"])
        return rows.add(working_set, variables, self.values)


@dataclass(slots=True)
class SetVariable:
    """A variable by a name, whether it is there or not. The answer is its id."""

    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        row = _named(working_set, self.values["name"])
        if row is None:
            if self.etag:
                raise not_found(NOUN, self.values["name"], UNKNOWN)
            return rows.add(working_set, variables, self.values)
        rows.check_etag(row, NOUN, self.etag)
        rows.change(working_set, variables, row, self.values)
        return str(row.id)


@dataclass(slots=True)
class UpdateVariable:
    """Sets columns of one variable. `values` come from an update mask that was checked."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, variables, NOUN, self.id, self.etag, why=UNKNOWN)
        if self.values.get("name", row.name) != row.name:
            _check_free(working_set, self.values["name"])
        rows.change(working_set, variables, row, self.values)


@dataclass(slots=True)
class DeleteVariable:
    """Deletes one variable, by id, or by name where that is empty."""

    id: str
    name: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        if self.id:
            row = rows.find(working_set, variables, NOUN, self.id, self.etag, why=UNKNOWN)
        else:
            row = _named(working_set, self.name)
            if row is None:
                raise not_found(NOUN, self.name, UNKNOWN)
            rows.check_etag(row, NOUN, self.etag)
        working_set.connection.execute(variables.delete().where(variables.c.id == row.id))


def checked_json(text: str) -> str:
    """Returns the text. Raises InvalidArgument: VALUE_NOT_JSON, which says where it is wrong, or VALUE_TOO_DEEP."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InvalidArgument(
            "VALUE_NOT_JSON",
            f'the value is no JSON: {error}; write texts in double quotes ("text"), and null for what is not a number',
            field="variable.value",
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if _depth(value) > MAX_DEPTH:
        raise _too_deep()
    return text


def _depth(value: Any) -> int:
    """How many lists and objects lie in one another."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return depth


def _too_deep() -> InvalidArgument:
    return InvalidArgument(
        "VALUE_TOO_DEEP",
        f"the value nests deeper than {MAX_DEPTH} levels, which not every reader of JSON takes; flatten it",
        field="variable.value",
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not in JSON")


def _named(working_set: WorkingSet, name: str) -> Any:
    """The row, or None."""
    working_set.flush()
    return working_set.connection.execute(variables.select().where(variables.c.name == name)).one_or_none()


def _check_free(working_set: WorkingSet, name: str) -> None:
    """Raises AlreadyExists (VARIABLE_EXISTS)."""
    if _named(working_set, name) is not None:
        raise AlreadyExists(
            "VARIABLE_EXISTS",
            f"there is a variable {name!r} already; SetVariable gives it another value, or choose another name",
        )
