"""Has the server keep deployments."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from antiphon.client.schemas.objects import VersionInfo
from antiphon.deployments.messages import apply_request
from antiphon.deployments.versioning import version_info
from antiphon.engine.dual import Work, ask
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import ObjectNotFound
from antiphon.schedules import Schedule
from antiphon.settings import get_current_settings
from antiphon.v1.deployment_service_pb2 import ApplyDeploymentRequest, ApplyDeploymentResponse
from antiphon.v1.work_pool_pb2 import WorkPool
from antiphon.v1.work_pool_service_pb2 import GetWorkPoolRequest, GetWorkPoolResponse


def applied(
    wanted: Any,
    schedules: Sequence[Schedule] | None = None,
    work_pool_name: str | None = None,
    image: str | None = None,
    info: VersionInfo | None = None,
) -> Work[ApplyDeploymentResponse]:
    """Gives the server's answer to a RunnerDeployment. Raises as its `apply`."""
    request = yield from requested(wanted, schedules, work_pool_name, image, info)
    return (yield from sent(request))


def requested(
    wanted: Any,
    schedules: Sequence[Schedule] | None = None,
    work_pool_name: str | None = None,
    image: str | None = None,
    info: VersionInfo | None = None,
) -> Work[ApplyDeploymentRequest]:
    """Gives what the server is to be asked. Raises as RunnerDeployment's `apply`, but for what the server says."""
    pool_name = work_pool_name or wanted.work_pool_name
    if (image or wanted.job_variables or wanted.work_queue_name) and not pool_name:
        what = "An image" if image else "job_variables" if wanted.job_variables else "A work queue"
        raise ValueError(
            f"{what} can be given only with a work pool, whose workers are told of it. Give work_pool_name."
        )
    changes: dict[str, Any] = {"work_pool_name": pool_name}
    if schedules is not None:
        changes["schedules"] = list(schedules)
    if image:
        changes["job_variables"] = {**wanted.job_variables, "image": image}
    if info is None:
        info = yield from ask(partial(version_info, wanted.version_type, wanted.version))
    return apply_request(wanted.model_copy(update=changes), info)


def sent(request: ApplyDeploymentRequest) -> Work[ApplyDeploymentResponse]:
    """Gives the server's answer. Raises ServerError and its kin."""
    return (yield from call_server(lambda client: client.deployments.ApplyDeployment, request, ApplyDeploymentResponse))


def pool_named(name: str | None) -> Work[WorkPool]:
    """Gives a work pool; without a name that of the settings. Raises ValueError where none is named there either,
    ObjectNotFound for one that is not there."""
    name = name or get_current_settings().deployments.default_work_pool_name
    if not name:
        raise ValueError(
            "A deployment needs a work pool, whose workers run it. Give work_pool_name, or set "
            "ANTIPHON_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME."
        )
    request = GetWorkPoolRequest(name=name)
    try:
        answer = yield from call_server(lambda client: client.work_pools.GetWorkPool, request, GetWorkPoolResponse)
    except ObjectNotFound as error:
        raise error.in_other_words(
            f"There is no work pool {name!r}. Make it with `antiphon work-pool create {name} --type process`, or name "
            "another."
        ) from error
    return answer.work_pool
