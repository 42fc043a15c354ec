"""Artifacts: made, changed and deleted. Of those with one key, one row knows that it is the latest."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application import rows
from antiphon_server.storage.user_tables import artifacts
from antiphon_server.storage.working_set import Needs, WorkingSet

NOUN = "artifact"


@dataclass(slots=True)
class CreateArtifact:
    """A new artifact, the latest with its key. `values` are columns. The answer is its id."""

    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        key = self.values["key"]
        if key is not None:
            _unset_latest(working_set, key)
        return rows.add(working_set, artifacts, {**self.values, "latest_key": key})


@dataclass(slots=True)
class UpdateArtifact:
    """Sets columns of one artifact. `values` come from an update mask that was checked."""

    id: str
    etag: str
    values: dict[str, Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, artifacts, NOUN, self.id, self.etag)
        rows.change(working_set, artifacts, row, self.values)


@dataclass(slots=True)
class DeleteArtifact:
    """Deletes one artifact. The one before with its key takes its place as the latest."""

    id: str
    etag: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = rows.find(working_set, artifacts, NOUN, self.id, self.etag)
        working_set.connection.execute(artifacts.delete().where(artifacts.c.id == row.id))
        if row.latest_key is not None:
            _set_latest(working_set, row.latest_key)


def _unset_latest(working_set: WorkingSet, key: str) -> None:
    working_set.connection.execute(artifacts.update().where(artifacts.c.latest_key == key).values(latest_key=None))


def _set_latest(working_set: WorkingSet, key: str) -> None:
    """Of those that are left. Nothing of the artifact itself changes, so its etag stays."""
    newest = select(artifacts.c.id).where(artifacts.c.key == key)
    newest = newest.order_by(artifacts.c.create_time.desc(), artifacts.c.id.desc()).limit(1)
    working_set.connection.execute(
        artifacts.update().where(artifacts.c.id == newest.scalar_subquery()).values(latest_key=key)
    )
