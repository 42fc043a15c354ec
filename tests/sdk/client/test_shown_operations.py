"""Artifacts and variables by the client."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from antiphon.client.schemas.actions import ArtifactCreate, ArtifactUpdate, VariableCreate, VariableUpdate
from antiphon.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    ArtifactFilterType,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
)
from antiphon.client.schemas.sorting import ArtifactCollectionSort, ArtifactSort
from antiphon.exceptions import ObjectAlreadyExists, ObjectNotFound, ServerError


def test_artifacts(api: Any) -> None:
    run, key = uuid4(), f"key-{uuid4().hex[:8]}"
    first = api.create_artifact(ArtifactCreate(key=key, type="table", data=[{"a": 1}], flow_run_id=run))
    assert (first.key, first.type, first.data, first.flow_run_id) == (key, "table", '[{"a": 1}]', run)
    alone = api.create_artifact(
        ArtifactCreate(type="progress", data=30, description="so far", metadata_={"a": "b"}, flow_run_id=run)
    )
    assert (alone.key, alone.data, alone.description, alone.metadata_) == (None, 30.0, "so far", {"a": "b"})
    api.update_artifact(alone.id, ArtifactUpdate(data=60))
    api.update_artifact(alone.id, ArtifactUpdate(description=None, metadata_={"c": "d"}))
    api.update_artifact(alone.id, ArtifactUpdate())
    latest = api.create_artifact(ArtifactCreate(key=key, type="markdown", data="text", flow_run_id=run))
    of_run = ArtifactFilterFlowRunId(any_=[run])

    def found(sort: Any = None, **parts: Any) -> list[Any]:
        wanted = ArtifactFilter(flow_run_id=of_run, **parts)
        return [each.id for each in api.read_artifacts(artifact_filter=wanted, sort=sort)]

    assert found() == [latest.id, alone.id, first.id]
    assert found(key=ArtifactFilterKey(exists_=False)) == [alone.id]
    assert found(type=ArtifactFilterType(not_any_=["table"])) == [latest.id, alone.id]
    assert found(sort=ArtifactSort.UPDATED_DESC, key=ArtifactFilterKey(like_=key)) == [latest.id, first.id]
    (changed,) = api.read_artifacts(
        artifact_filter=ArtifactFilter(key=ArtifactFilterKey(exists_=False), flow_run_id=of_run)
    )
    assert (changed.data, changed.description, changed.metadata_) == (60.0, None, {"c": "d"})
    by_key = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
    (collection,) = api.read_latest_artifacts(artifact_filter=by_key, sort=ArtifactCollectionSort.KEY_ASC)
    assert (collection.latest_id, collection.key, collection.data) == (latest.id, key, "text")
    by_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    assert len(api.read_artifacts(flow_run_filter=by_run, limit=2)) == 2
    assert api.read_artifacts(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=["nobody"]))) == []
    api.delete_artifact(latest.id)
    (collection,) = api.read_latest_artifacts(artifact_filter=by_key)
    assert collection.latest_id == first.id
    with pytest.raises(ObjectNotFound):
        api.delete_artifact(latest.id)
    with pytest.raises(TypeError, match="text, or what JSON can say"):
        api.create_artifact(ArtifactCreate(data=object()))


def test_variables(api: Any) -> None:
    name = f"v_{uuid4().hex[:8]}"
    assert api.read_variable_by_name(name) is None
    made = api.create_variable(VariableCreate(name=name, value={"a": [1, None]}, tags=["t"]))
    assert (made.name, made.value, made.tags) == (name, {"a": [1, None]}, ["t"])
    assert api.read_variable_by_name(name) == made
    with pytest.raises(ObjectAlreadyExists):
        api.create_variable(VariableCreate(name=name, value=1))
    api.update_variable(VariableUpdate(name=name, value=None))
    api.update_variable(VariableUpdate(name=name))
    read = api.read_variable_by_name(name)
    assert (read.id, read.value, read.tags) == (made.id, None, ["t"])
    api.update_variable(VariableUpdate(name=name, tags=[]))
    assert api.read_variable_by_name(name).tags == []
    assert name in [each.name for each in api.read_variables(limit=1000)]
    api.delete_variable_by_name(name)
    for act in (api.delete_variable_by_name, lambda name: api.update_variable(VariableUpdate(name=name, value=1))):
        with pytest.raises(ObjectNotFound):
            act(name)
    with pytest.raises(ServerError, match="lowercase"):
        api.create_variable(VariableCreate(name="UPPER", value=1))
    with pytest.raises(ValidationError, match="at most 5,000 characters"):
        VariableCreate(name=name, value="x" * 5000)
