"""The environment of a run as a Secret of Kubernetes, where the setting
`integrations.kubernetes.worker.store_env_as_secret` says so: then it is not to be read in the job."""

import logging
import re
from typing import Any

from antiphon.run_environment import FENCING_TOKEN, FLOW_RUN_ID
from antiphon.workers.kubernetes.api import LOST, ApiError, Cluster
from antiphon.workers.kubernetes.configuration import KubernetesWorkerJobConfiguration
from antiphon.workers.kubernetes.manifest import main_container

#: Keys that a Secret takes.
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
#: They say what the job is for, and are in its labels anyhow.
_NOT_SECRET = (FLOW_RUN_ID, FENCING_TOKEN)

logger = logging.getLogger("antiphon.worker")


async def move_env_to_secret(cluster: Cluster, job: KubernetesWorkerJobConfiguration) -> str | None:
    """Make the Secret, and have the job's manifest refer to it. Returns its name, None where there is nothing to hide.
    Raises InfrastructureError."""
    name = f"antiphon-env-{job.env[FLOW_RUN_ID]}-{job.env.get(FENCING_TOKEN) or 0}"  # type: ignore[call-overload,union-attr]
    values: dict[str, str] = {}
    variables = main_container(job.job_manifest)["env"]
    for each in variables:
        if "value" in each and each["name"] not in _NOT_SECRET and _KEY.fullmatch(each["name"]):
            values[each["name"]] = each.pop("value")
            each["valueFrom"] = {"secretKeyRef": {"name": name, "key": each["name"]}}
    if not values:
        return None
    metadata = job.job_manifest["metadata"]
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": job.namespace, "labels": metadata["labels"]},
        "stringData": values,
    }
    try:
        await cluster.ask_patiently("make the secret", cluster.core.create_namespaced_secret, job.namespace, body)
    except ApiError as error:
        if error.status != 409:
            raise
        # It was made for this claim before.
        await cluster.ask_patiently(
            "change the secret", cluster.core.patch_namespaced_secret, name, job.namespace, body
        )
    return name


async def give_to_job(cluster: Cluster, namespace: str, secret: str, job: dict[str, Any]) -> None:
    """Have the Secret go with the job. Where that fails, it stays, which is said."""
    metadata = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    body = {"metadata": {"ownerReferences": [owner]}}
    try:
        await cluster.ask("change the secret", cluster.core.patch_namespaced_secret, secret, namespace, body)
    except (ApiError, *LOST) as error:
        logger.warning("The secret %s will not be deleted with its job, delete it yourself: %s", secret, error)


async def delete_secret(cluster: Cluster, namespace: str, secret: str) -> None:
    """Delete the Secret of a job that was not made. Where that fails, it stays, which is said."""
    try:
        await cluster.ask("delete the secret", cluster.core.delete_namespaced_secret, secret, namespace)
    except (ApiError, *LOST) as error:
        logger.warning("The secret %s was not deleted, delete it yourself: %s", secret, error)
