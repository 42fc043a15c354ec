"""From a run of a deployment to its flow: the deployment as the run was made with it, and its code."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.flow_core import Flow
from antiphon.flow_loading import load_flow_from_entrypoint
from antiphon.payloads import decode
from antiphon.service_client import ServiceClient
from antiphon.v1 import deployment_pb2, deployment_service_pb2, flow_run_pb2

#: Loaded where there are steps: many deployments have none.
_STEPS = "antiphon.deployments.steps"
_loading = False


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """What a run's code can know of its deployment."""

    id: str
    name: str
    version: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    job_variables: Mapping[str, Any] = field(default_factory=dict)


def facts_of(deployment: deployment_pb2.Deployment, run: flow_run_pb2.FlowRun) -> DeploymentFacts:
    """Return what the run's code can know of its deployment."""
    return DeploymentFacts(
        id=deployment.id,
        name=deployment.name,
        version=deployment.version or None,
        parameters=decode(deployment.parameters) if deployment.HasField("parameters") else {},
        job_variables=json.loads(run.job_variables) if run.job_variables else {},
    )


#: What a version keeps, see antiphon.v1.DeploymentVersion: what it does not set was empty then.
_OF_A_VERSION = (
    *("description", "version", "entrypoint", "path", "pull_steps", "parameters", "parameter_schema"),
    *("enforce_parameter_schema", "job_variables", "tags", "labels", "worker_affinity"),
)


def deployment_of_run(client: ServiceClient, run: flow_run_pb2.FlowRun) -> deployment_pb2.Deployment:
    """Return a run's deployment as it was when the run was made. Raises ObjectNotFound where it was deleted."""
    request = deployment_service_pb2.GetDeploymentRequest(id=run.deployment_id)
    try:
        deployment: Any = client.call(client.deployments.GetDeployment, request).deployment
    except ObjectNotFound as error:
        raise error.in_other_words(
            f"The deployment {run.deployment_id} of this run is not there any more, so its code cannot be found. Make "
            "it again, and run that."
        ) from error
    if run.deployment_version_number in (0, deployment.version_number):
        return deployment  # type: ignore[no-any-return]
    versions = deployment_service_pb2.ListDeploymentVersionsRequest(deployment_id=run.deployment_id)
    for each in client.pages(client.deployments.ListDeploymentVersions, versions, "versions"):
        if each.number == run.deployment_version_number:
            for field in _OF_A_VERSION:
                deployment.ClearField(field)
            deployment.MergeFrom(each.deployment)
            break
    return deployment  # type: ignore[no-any-return]


def load_deployed_flow(deployment: deployment_pb2.Deployment, say: Callable[[str], Any]) -> Flow[..., Any]:
    """Bring a deployment's code here, go to its folder, and return its flow. `say` is told what is done.

    Raises StepExecutionError where a step fails, ScriptError for code that raises, MissingFlowError, and
    AntiphonException where the deployment says no entrypoint or a folder that is not here.
    """
    name = f"{deployment.flow_name}/{deployment.name}" if deployment.flow_name else deployment.name
    if not deployment.entrypoint:
        raise AntiphonException(
            f"The deployment {name!r} has no entrypoint, so its flow cannot be found. Deploy the flow again, with "
            "`flow.deploy(...)` or an `entrypoint` such as `flows.py:my_flow`."
        )
    steps = json.loads(deployment.pull_steps) if deployment.pull_steps else []
    if steps:
        outputs: Mapping[str, Any] = importlib.import_module(_STEPS).run_steps(steps, print_function=say)
        folder = outputs.get("directory")
    else:
        folder = deployment.path or None
    if folder is not None:
        _go_to(str(folder), name)
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    say(f"Loading the flow at {deployment.entrypoint!r} in {here}")
    global _loading
    _loading = True
    try:
        return load_flow_from_entrypoint(deployment.entrypoint, use_placeholder_flow=False)
    finally:
        _loading = False


def is_loading_code() -> bool:
    """Return whether the file of a flow is being loaded for one of its runs."""
    return _loading


def _go_to(folder: str, name: str) -> None:
    try:
        os.chdir(os.path.expanduser(folder))
    except OSError as error:
        raise AntiphonException(
            f"The folder {folder!r}, in which the code of the deployment {name!r} should be, cannot be used on this "
            f"machine: {error.strerror or error}. Run its worker where the code is, or have the code brought: deploy "
            "the flow from a git repository or another storage (`Flow.from_source`), or into an image."
        ) from error
