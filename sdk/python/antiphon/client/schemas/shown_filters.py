"""Filters of artifacts and variables."""

from antiphon.client.schemas.filter_bases import AllTags, Ids, Names, NamesLike, OperatorMixin

__all__ = [
    "ArtifactCollectionFilter",
    "ArtifactCollectionFilterFlowRunId",
    "ArtifactCollectionFilterKey",
    "ArtifactCollectionFilterLatestId",
    "ArtifactCollectionFilterTaskRunId",
    "ArtifactCollectionFilterType",
    "ArtifactFilter",
    "ArtifactFilterFlowRunId",
    "ArtifactFilterId",
    "ArtifactFilterKey",
    "ArtifactFilterTaskRunId",
    "ArtifactFilterType",
    "VariableFilter",
    "VariableFilterId",
    "VariableFilterName",
    "VariableFilterTags",
]


class ArtifactFilterId(Ids): ...


class ArtifactFilterKey(NamesLike):
    #: Whether it has a key.
    exists_: bool | None = None


class ArtifactFilterFlowRunId(Ids): ...


class ArtifactFilterTaskRunId(Ids): ...


class ArtifactFilterType(Names):
    not_any_: list[str] | None = None


class ArtifactFilter(OperatorMixin):
    """Which artifacts."""

    id: ArtifactFilterId | None = None
    key: ArtifactFilterKey | None = None
    flow_run_id: ArtifactFilterFlowRunId | None = None
    task_run_id: ArtifactFilterTaskRunId | None = None
    type: ArtifactFilterType | None = None


class ArtifactCollectionFilterLatestId(Ids): ...


class ArtifactCollectionFilterKey(ArtifactFilterKey): ...


class ArtifactCollectionFilterFlowRunId(Ids): ...


class ArtifactCollectionFilterTaskRunId(Ids): ...


class ArtifactCollectionFilterType(ArtifactFilterType): ...


class ArtifactCollectionFilter(OperatorMixin):
    """Which keys, by what their latest artifact is."""

    latest_id: ArtifactCollectionFilterLatestId | None = None
    key: ArtifactCollectionFilterKey | None = None
    flow_run_id: ArtifactCollectionFilterFlowRunId | None = None
    task_run_id: ArtifactCollectionFilterTaskRunId | None = None
    type: ArtifactCollectionFilterType | None = None


class VariableFilterId(Ids): ...


class VariableFilterName(NamesLike): ...


class VariableFilterTags(AllTags): ...


class VariableFilter(OperatorMixin):
    """Which variables."""

    id: VariableFilterId | None = None
    name: VariableFilterName | None = None
    tags: VariableFilterTags | None = None
