"""Makes and starts containers. Everything here blocks; it needs the package `docker`."""

import itertools
import logging
import shlex
from typing import Any

from docker.errors import APIError, NotFound

from antiphon.exceptions import InfrastructureError
from antiphon.run_environment import FENCING_TOKEN, FLOW_RUN_ID
from antiphon.workers.docker.configuration import HOST_NAME, DockerWorkerJobConfiguration, ImagePullPolicy
from antiphon.workers.docker.engine import explanation

#: Labels by which a worker knows a container of a claim again.
RUN_LABEL = "io.antiphon.flow-run-id"
CLAIM_LABEL = "io.antiphon.fencing-token"

logger = logging.getLogger("antiphon.worker")


def pull_image(client: Any, job: DockerWorkerJobConfiguration) -> None:
    """Have the engine get the image, as the job's policy says. Raises InfrastructureError where that cannot be."""
    policy = job.pull_policy()
    if policy is ImagePullPolicy.NEVER or (policy is ImagePullPolicy.IF_NOT_PRESENT and _is_there(client, job)):
        return
    login = job.registry_credentials.auth_config() if job.registry_credentials is not None else None
    try:
        # Also what goes wrong in the midst is told in the answers; the one that counts is whether it is there.
        for event in client.api.pull(job.image, stream=True, decode=True, auth_config=login):
            if "error" in event:
                raise InfrastructureError(_no_pull(job, str(event["error"])))
    except APIError as error:
        raised: Exception = InfrastructureError(_no_pull(job, explanation(error)))
    except InfrastructureError as error:
        raised = error
    else:
        return
    if policy is not ImagePullPolicy.IF_POSSIBLE or not _is_there(client, job):
        raise raised
    logger.warning("%s The one that is there is taken.", raised)


def _is_there(client: Any, job: DockerWorkerJobConfiguration) -> bool:
    try:
        client.images.get(job.image)
    except NotFound:
        return False
    return True


def _no_pull(job: DockerWorkerJobConfiguration, reason: str) -> str:
    said = reason.lower()
    if "toomanyrequests" in said or "rate limit" in said:
        step = "The registry limits pulls: log in by the job variable `registry_credentials`, or try later."
    elif any(word in said for word in ("denied", "unauthorized", "authentication", "no basic auth")):
        step = (
            "Check the name. Where the image is private, give a block `docker-registry-credentials` as the job "
            "variable `registry_credentials`, or log in on the worker's machine by `docker login`."
        )
    elif "not found" in said or "manifest unknown" in said or "no such" in said:
        step = "Check the job variable `image`, name and tag, and that the image was pushed."
    else:
        step = "Check the name, and that the engine's machine reaches the registry: `docker pull` must work there."
    return f"The image {job.image} could not be pulled: {reason.rstrip('.')}. {step}"


def existing_container(client: Any, job: DockerWorkerJobConfiguration) -> Any | None:
    """Return the container that was made for this claim before, if there is one: by a worker that did not come to say
    so."""
    token = job.env.get(FENCING_TOKEN)
    if not token:
        return None
    labels = [f"{RUN_LABEL}={job.env[FLOW_RUN_ID]}", f"{CLAIM_LABEL}={token}"]
    found = client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
    return found[0] if found else None


def create_container(client: Any, job: DockerWorkerJobConfiguration) -> Any:
    """Return a new container, which does not run yet. Raises InfrastructureError."""
    arguments = _arguments(client, job)
    for attempt in itertools.count():
        name = job.name if attempt == 0 or job.name is None else f"{job.name}-{attempt}"
        try:
            return client.containers.create(name=name, **arguments)
        except NotFound as error:
            raise InfrastructureError(_no_image(job, explanation(error))) from error
        except APIError as error:
            taken = error.status_code == 409 and job.name is not None and "name" in explanation(error)
            if not taken:
                raise InfrastructureError(
                    f"The Docker engine did not make a container of {job.image}: {explanation(error)}. Check the job "
                    "variables."
                ) from error
    raise AssertionError("there are always more names")


def _no_image(job: DockerWorkerJobConfiguration, reason: str) -> str:
    step = "The job variable `image_pull_policy` is Never: pull it before, or leave the policy out."
    if job.image_pull_policy != "Never":
        step = "Check the job variable `image`."
    return f"There is no image {job.image} on the engine's machine: {reason}. {step}"


def _arguments(client: Any, job: DockerWorkerJobConfiguration) -> dict[str, Any]:
    more = dict(job.container_create_kwargs or {})
    hosts = {HOST_NAME: "host-gateway"} if job.needs_host_name() else {}
    given = more.pop("extra_hosts", None) or {}
    hosts.update(given if isinstance(given, dict) else dict(each.split(":", 1) for each in given))
    first = job.networks[0] if job.networks else None
    claim = {CLAIM_LABEL: token} if (token := job.env.get(FENCING_TOKEN)) else {}
    return {
        "image": job.image,
        "command": shlex.split(job.command or ""),
        "environment": {key: value for key, value in job.env.items() if value is not None},
        "labels": {**job.labels, **claim},
        "network": first,
        # Without it the package writes the name of the network where the API has no such field.
        "networking_config": {first: client.api.create_endpoint_config()} if first else None,
        "network_mode": job.get_network_mode(),
        "volumes": job.volumes,
        "mem_limit": job.mem_limit,
        "memswap_limit": job.memswap_limit,
        "privileged": job.privileged,
        "extra_hosts": hosts or None,
        "detach": True,
        **more,
    }


def start_container(client: Any, container: Any, job: DockerWorkerJobConfiguration) -> None:
    """Connect a new container to its networks, and start it. One that cannot start is removed again. Raises
    InfrastructureError. One that was started before is left as it is."""
    if container.status != "created":
        return
    try:
        for name in job.networks[1:]:
            client.api.connect_container_to_network(container.id, name)
        container.start()
    except APIError as error:
        remove_container(container)
        raise InfrastructureError(_no_start(job, explanation(error))) from error


def _no_start(job: DockerWorkerJobConfiguration, reason: str) -> str:
    said = reason.lower()
    if "network" in said and "not found" in said:
        step = f"Make the network, or correct the job variable `networks` ({', '.join(job.networks)})."
    elif "executable file not found" in said or "no such file or directory" in said:
        step = f"The command is {job.command!r}: is it in the image, and is Antiphon installed there?"
    elif "mount" in said or "invalid volume" in said:
        step = "Check the job variable `volumes`."
    else:
        step = "Check the job variables and the image."
    return f"The container could not be started: {reason}. {step}"


def remove_container(container: Any) -> None:
    """Remove a container, also one that runs. One that is gone is fine."""
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # somebody is removing it
            logger.warning("The container %s was not removed: %s.", container.name, explanation(error))


def find_container(client: Any, id: str) -> Any | None:
    """Return a container by its id, or None where it is not there."""
    try:
        return client.containers.get(id)
    except NotFound:
        return None


def remove_by_id(client: Any, id: str) -> None:
    """Remove a container that has ended."""
    container = find_container(client, id)
    if container is not None:
        remove_container(container)


def stop_container(container: Any, grace_seconds: int) -> None:
    """Have a container end: SIGTERM, then SIGKILL. One that has ended is fine."""
    try:
        container.stop(timeout=grace_seconds)
    except NotFound:
        return
