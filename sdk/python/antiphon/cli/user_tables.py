"""Artifacts and variables as tables for people. Takes messages, gives Rich renderables; fetches nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words
from antiphon.v1.artifact_pb2 import Artifact
from antiphon.v1.variable_pb2 import Variable


def variables_table(variables: Iterable[Variable], now: datetime, *, show_ids: bool) -> Table:
    """Variables, a line each."""
    headers = ("Name", "Value", "Tags", "Created", "Updated")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=("Name", "Value", "Tags"))
    for variable in variables:
        table.add_row(
            cut(variable.name),
            cut(variable.value),
            cut(", ".join(variable.tags)),
            ago_words(variable.create_time, now),
            ago_words(variable.update_time, now),
            *([variable.id] if show_ids else []),
        )
    return table


def variable_page(variable: Variable) -> RenderableType:
    """All about one variable."""
    return facts_table(
        [
            ("Variable", variable.name),
            ("ID", variable.id),
            ("Value", variable.value),
            ("Tags", ", ".join(variable.tags)),
            ("Created", moment_words(variable.create_time)),
            ("Updated", moment_words(variable.update_time)),
        ]
    )


def artifacts_table(artifacts: Iterable[Artifact], now: datetime) -> Table:
    """Artifacts, a line each; always with ids, since some have nothing else to go by."""
    table = make_table("ID", "Key", "Type", "Description", "Updated", shrinking=("Key", "Type", "Description"))
    for artifact in artifacts:
        table.add_row(
            artifact.id,
            cut(artifact.key),
            cut(artifact.type),
            cut(artifact.description),
            ago_words(artifact.update_time, now),
        )
    return table


def artifact_page(versions: Sequence[Artifact], now: datetime) -> RenderableType:
    """The first artifact in full, and the others as a table."""
    newest, earlier = versions[0], versions[1:]
    facts = facts_table(
        [
            ("Artifact", newest.key),
            ("ID", newest.id),
            ("Type", newest.type),
            ("Description", newest.description),
            *sorted(newest.metadata.items()),
            ("Flow run", newest.flow_run_id),
            ("Task run", newest.task_run_id),
            ("Created", moment_words(newest.create_time)),
            ("Updated", moment_words(newest.update_time)),
        ]
    )
    parts: list[RenderableType] = [facts]
    if newest.data:
        parts += ["", Text(newest.data)]
    if earlier:
        parts += ["", Text("Earlier versions", style="bold"), artifacts_table(earlier, now)]
    return Group(*parts)
