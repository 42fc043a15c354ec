"""Finds runs by what people type: an id, the start of one, or a name."""

import re

from antiphon.cli.run_words import is_state_type, moment_words, state_word
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, GetFlowRunResponse, ListFlowRunsRequest

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_START = re.compile(r"[0-9a-f][0-9a-f-]{3,34}")
_MOST_CANDIDATES = 10


class AmbiguousRun(AntiphonException):
    """Several runs fit what was typed; the message lists them."""


def flow_run_filter(text: str, states: list[str], flow: str) -> str:
    """One filter from the user's own and the short options. A state may be a type (`FAILED`) or a name (`Late`)."""
    state_terms = [
        f"state.type = {word.upper()}" if is_state_type(word.upper()) else f"state.name = {quote(word)}"
        for word in states
    ]
    parts = [" OR ".join(state_terms), f"flow_name = {quote(flow)}" if flow else "", text.strip()]
    return " AND ".join(f"({part})" for part in parts if part)


def find_flow_run(client: ServiceClient, reference: str) -> FlowRun:
    """Return the one flow run with this id, with an id that starts so (4 characters or more), or with this name.

    Raises ObjectNotFound, AmbiguousRun with the candidates, or what `ServiceClient.call` raises.
    """
    lowered = reference.strip().lower()
    if _UUID.fullmatch(lowered):
        response: GetFlowRunResponse = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=lowered))
        return response.flow_run
    filters = [f"name = {quote(reference.strip())}"]
    if _ID_START.fullmatch(lowered):
        filters.append(f'id = "{lowered}*"')
    found: dict[str, FlowRun] = {}
    for text in filters:
        request = ListFlowRunsRequest(filter=text)
        found |= {
            run.id: run
            for run in client.pages(client.flow_runs.ListFlowRuns, request, "flow_runs", limit=_MOST_CANDIDATES + 1)
        }
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise ObjectNotFound(
            f"There is no flow run {reference!r}. Give an id, the first 4 or more characters of one, or a name; see"
            " `antiphon flow-run ls`.",
            code="NOT_FOUND",
        )
    raise AmbiguousRun(_candidates(reference, list(found.values())))


def _candidates(reference: str, runs: list[FlowRun]) -> str:
    lines = [
        f"    {run.id}  {run.name}  {run.flow_name}  {state_word(run)}  {moment_words(run.create_time)}"
        for run in runs[:_MOST_CANDIDATES]
    ]
    if len(runs) > _MOST_CANDIDATES:
        lines.append("    … and more")
    return f"Several flow runs fit {reference!r}. Give the whole id of one:\n" + "\n".join(lines)
