"""Makes, finds and deletes jobs. It needs `kubernetes_asyncio`."""

import logging
from typing import Any

from antiphon.exceptions import InfrastructureError
from antiphon.workers.kubernetes.api import FORBIDDEN, LOST, ApiError, Cluster
from antiphon.workers.kubernetes.configuration import KubernetesWorkerJobConfiguration

logger = logging.getLogger("antiphon.worker")


async def find_job(cluster: Cluster, job: KubernetesWorkerJobConfiguration) -> dict[str, Any] | None:
    """Return the job that was made for this claim before, if there is one: by a worker that did not come to say so, or
    by a request whose answer was lost."""
    if job.claim_selector is None:
        return None
    found = await cluster.ask_patiently(
        "list jobs", cluster.batch.list_namespaced_job, job.namespace, label_selector=job.claim_selector
    )
    return next((each for each in found["items"] if not each["metadata"].get("deletionTimestamp")), None)


async def create_job(cluster: Cluster, job: KubernetesWorkerJobConfiguration) -> dict[str, Any]:
    """Return the new job; that of the claim where it is there already. Raises InfrastructureError."""
    patience = cluster.patience()
    while True:
        found = await find_job(cluster, job)
        if found is not None:
            return found
        try:
            # Strict: a field that is misspelt in the manifest is told, and not left out.
            made: dict[str, Any] = await cluster.ask(
                "make the job",
                cluster.batch.create_namespaced_job,
                job.namespace,
                job.job_manifest,
                field_validation="Strict",
            )
        except ApiError as error:
            if not error.may_pass:
                raise InfrastructureError(_with_step(error, job)) from error
            await cluster.rest(patience, error)
        except LOST as error:
            await cluster.rest(patience, error)
        else:
            return made


def _with_step(error: ApiError, job: KubernetesWorkerJobConfiguration) -> str:
    said = error.message.lower()
    if "quota" in said:
        step = f"Raise the quota of the namespace {job.namespace}, or ask for less by the job variables."
    elif error.status == FORBIDDEN:
        return str(error)
    elif error.status == 404:
        step = f"Make the namespace {job.namespace}, or correct the job variable `namespace`."
    elif error.status == 409:
        step = "The job manifest has a fixed `metadata.name`: take it out, so that each run gets a name of its own."
    else:
        step = "Mend the job variables, or `job_manifest` in the base job template of the work pool."
    return f"{error} {step}"


async def delete_job(cluster: Cluster, namespace: str, name: str) -> bool:
    """Delete a job, and have its pods end. Returns whether it was there. Raises ApiError, Unreachable."""
    operation = cluster.batch.delete_namespaced_job
    return await _there("delete the job", cluster, operation, name, namespace, propagation_policy="Background")


async def delete_pod(cluster: Cluster, namespace: str, name: str, grace_seconds: int) -> bool:
    """Delete a pod: SIGTERM, and SIGKILL after `grace_seconds` or what it says itself, whichever is shorter. With 0 it
    is gone at once, whatever its node does. Returns whether it was there. Raises ApiError, Unreachable."""
    operation = cluster.core.delete_namespaced_pod
    return await _there("delete the pod", cluster, operation, name, namespace, grace_period_seconds=grace_seconds)


async def _there(what: str, cluster: Cluster, operation: Any, *place: str, **more: Any) -> bool:
    try:
        await cluster.ask_patiently(what, operation, *place, **more)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


async def pods_of(cluster: Cluster, namespace: str, job_name: str) -> list[dict[str, Any]]:
    """Return the pods of a job. Raises ApiError, Unreachable."""
    found = await cluster.ask_patiently(
        "list pods", cluster.core.list_namespaced_pod, namespace, label_selector=f"job-name={job_name}"
    )
    items: list[dict[str, Any]] = found["items"]
    return items


async def events_of(cluster: Cluster, namespace: str, job: dict[str, Any]) -> str:
    """Return what was told of a job last; empty where nothing was, or the worker may not look."""
    selector = f"involvedObject.kind=Job,involvedObject.uid={job['metadata']['uid']}"
    try:
        found = await cluster.ask("list events", cluster.core.list_namespaced_event, namespace, field_selector=selector)
    except (ApiError, *LOST) as error:
        logger.debug("The events of a job could not be read: %s", error)
        return ""
    warnings = [each for each in found["items"] if each.get("type") == "Warning"]
    last = max(warnings, key=lambda each: each.get("lastTimestamp") or each.get("eventTime") or "", default=None)
    return f"{last.get('reason')}: {str(last.get('message') or '').rstrip('.')}" if last else ""
