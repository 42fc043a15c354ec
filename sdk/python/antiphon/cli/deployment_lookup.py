"""Deployments, their schedules, and calendars, by what people type."""

from collections.abc import Iterator

from antiphon.cli.references import id_start, whole_id
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import GetDeploymentRequest, GetDeploymentResponse, ListDeploymentsRequest
from antiphon.v1.schedule_pb2 import Schedule
from antiphon.v1.schedule_service_pb2 import ListSchedulesRequest

_MOST_CANDIDATES = 10


class AmbiguousDeployment(AntiphonException):
    """Several deployments fit what was typed; the message lists them."""


class AmbiguousSchedule(AntiphonException):
    """Several schedules fit what was typed, or none was named where there are several."""


def full_name(deployment: Deployment) -> str:
    """`flow/deployment`."""
    return f"{deployment.flow_name}/{deployment.name}"


def find_deployment(client: ServiceClient, reference: str) -> Deployment:
    """Return the one deployment with this id, this `flow/name`, or this name.

    Raises ObjectNotFound, AmbiguousDeployment with the candidates, or what `ServiceClient.call` raises.
    """
    if (id := whole_id(reference)) is not None:
        response: GetDeploymentResponse = client.call(client.deployments.GetDeployment, GetDeploymentRequest(id=id))
        return response.deployment
    text = " OR ".join(_terms(reference.strip()))
    request = ListDeploymentsRequest(filter=text, order_by="name")
    method = client.deployments.ListDeployments
    found: list[Deployment] = list(client.pages(method, request, "deployments", limit=_MOST_CANDIDATES + 1))
    exact = [each for each in found if full_name(each) == reference.strip()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise ObjectNotFound(
            f"There is no deployment {reference!r}. Give FLOW/NAME, or an id; see `antiphon deployment ls`.",
            code="NOT_FOUND",
        )
    lines = [f"    {full_name(each)}  {each.id}" for each in found[:_MOST_CANDIDATES]]
    if len(found) > _MOST_CANDIDATES:
        lines.append("    … and more")
    raise AmbiguousDeployment(
        f"Several deployments fit {reference!r}. Give FLOW/NAME, or the id of one:\n" + "\n".join(lines)
    )


def _terms(name: str) -> Iterator[str]:
    """A name alone, and each way in which it can be a flow's and a deployment's: either may have slashes in it."""
    yield f"name = {quote(name)}"
    parts = name.split("/")
    for split in range(1, len(parts)):
        flow, own = "/".join(parts[:split]), "/".join(parts[split:])
        if flow and own:
            yield f"(flow_name = {quote(flow)} AND name = {quote(own)})"


def find_schedule(client: ServiceClient, deployment: Deployment, reference: str | None) -> Schedule:
    """Return the schedule of the deployment with this slug, id or start of an id; for None the only one that it has.

    Raises ObjectNotFound, AmbiguousSchedule, or what `ServiceClient.call` raises.
    """
    schedules = list_schedules(client, deployment)
    name = full_name(deployment)
    if reference is None:
        found = schedules
    else:
        typed = reference.strip()
        start = whole_id(typed) or id_start(typed)
        found = [each for each in schedules if each.slug == typed or (start and each.id.startswith(start))]
        found = [each for each in found if each.slug == typed] or found
    if len(found) == 1:
        return found[0]
    see = f"See `antiphon deployment schedule ls {name}`."
    if not schedules:
        raise ObjectNotFound(f"The deployment {name} has no schedule. {see}", code="NOT_FOUND")
    if not found:
        raise ObjectNotFound(
            f"The deployment {name} has no schedule {reference!r}. Give a slug, an id, or the first 4 or more"
            f" characters of one. {see}",
            code="NOT_FOUND",
        )
    which = f"{len(found)} of them fit {reference!r}" if reference is not None else "none is named"
    raise AmbiguousSchedule(f"The deployment {name} has {len(schedules)} schedules, and {which}. {see}")


def list_schedules(client: ServiceClient, deployment: Deployment | None) -> list[Schedule]:
    """The schedules of a deployment, for None of all, by their creation."""
    text = f'deployment_id = "{deployment.id}"' if deployment is not None else ""
    request = ListSchedulesRequest(filter=text)
    return list(client.pages(client.schedules.ListSchedules, request, "schedules"))
