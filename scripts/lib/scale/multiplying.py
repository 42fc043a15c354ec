"""Many times the rows that a real run has left, made by SQL, with ids and times as if it had been run so often."""

from collections.abc import Sequence

from sqlalchemy import Column, Engine, String, Table, text

from antiphon_server.storage import tables

#: What grows with task runs.
GROWING: Sequence[Table] = (tables.flow_runs, tables.task_runs, tables.transitions, tables.logs, tables.sessions)
#: Copies that are made in one transaction.
_AT_ONCE = 20
#: Microseconds between two copies.
_APART = 60_000_000


def keep_pattern(engine: Engine) -> int:
    """Puts the rows that are there aside; gives how many task runs they have."""
    with engine.begin() as connection:
        for table in GROWING:
            connection.execute(text(f"CREATE TABLE pattern_{table.name} AS SELECT * FROM {table.name}"))
        count: int = connection.execute(text("SELECT count(*) FROM pattern_task_runs")).scalar_one()
    return count


def drop_pattern(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in GROWING:
            connection.execute(text(f"DROP TABLE pattern_{table.name}"))


def multiply(engine: Engine, first: int, until: int) -> None:
    """Makes the copies number `first` up to `until`. Number 0 is the real run; the others lie before it in time."""
    for start in range(first, until, _AT_ONCE):
        with engine.begin() as connection:
            for number in range(start, min(start + _AT_ONCE, until)):
                for table in GROWING:
                    connection.execute(text(_copy(table, number)))


def _copy(table: Table, number: int) -> str:
    columns = [column.name for column in table.columns]
    values = ", ".join(_value(column, number) for column in table.columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM pattern_{table.name}"


def _value(column: "Column[object]", number: int) -> str:
    """Ids are UUIDs of version 7: their first 13 characters are the time in milliseconds, the others are kept."""
    name = column.name
    if name == "flow_id":
        return name
    if isinstance(column.type, String) and column.type.length == 36:
        return f"'{_time_of(number)}' || substr({name}, 14)"
    if name.endswith("_time") and name != "total_run_time":
        return f"{name} - {number * _APART}"
    return name


#: When copies are counted back from: the ids of the real run are younger.
_NEWEST = 1_790_000_000_000


def _time_of(number: int) -> str:
    digits = f"{_NEWEST - number * _APART // 1000:012x}"
    return f"{digits[:8]}-{digits[8:]}"
