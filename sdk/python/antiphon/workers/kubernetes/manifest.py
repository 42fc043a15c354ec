"""The manifest of a job: what a pool's template says, completed with what the run needs."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from antiphon.exceptions import ConfigurationError
from antiphon.workers.kubernetes.names import annotations_of, labels_of, name_base

#: What a pool's `job_manifest` is where nobody gives another.
JOB_TEMPLATE: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "namespace": "{{ namespace }}",
        "generateName": "{{ name }}-",
        "labels": "{{ labels }}",
        "annotations": "{{ annotations }}",
    },
    "spec": {
        "backoffLimit": "{{ backoff_limit }}",
        "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
        "parallelism": 1,
        "completions": 1,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "{{ service_account_name }}",
                "containers": [
                    {
                        "name": "antiphon-job",
                        "image": "{{ image }}",
                        "imagePullPolicy": "{{ image_pull_policy }}",
                        "args": "{{ command }}",
                        "env": "{{ env }}",
                        "resources": {
                            "requests": {"cpu": "{{ cpu_request }}", "memory": "{{ memory_request }}"},
                            "limits": {"cpu": "{{ cpu_limit }}", "memory": "{{ memory_limit }}"},
                        },
                    }
                ],
            }
        },
    },
}

_ADVICE = "Mend `job_manifest` in the base job template of the work pool."


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raise ValueError for what is no job that a run can run in."""
    for key, wanted in (("apiVersion", "batch/v1"), ("kind", "Job")):
        if manifest.get(key, wanted) != wanted:
            raise ValueError(f"The job manifest has {key} {manifest[key]!r}; it must be {wanted!r}. {_ADVICE}")
    spec = _part(manifest, "spec", "template", "spec")
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers or not isinstance(containers[0], dict):
        raise ValueError(f"The job manifest has no container at spec.template.spec.containers. {_ADVICE}")
    job = _part(manifest, "spec")
    only: tuple[tuple[str, Any, Any], ...] = (
        ("spec.template.spec.restartPolicy", spec.get("restartPolicy"), "Never"),
        ("spec.parallelism", job.get("parallelism"), 1),
        ("spec.completions", job.get("completions"), 1),
    )
    for place, value, needed in only:
        if value not in (None, needed):
            raise ValueError(
                f"The job manifest has {place} {value!r}; a run runs once, so it must be {needed!r}. {_ADVICE}"
            )


def _part(manifest: Mapping[str, Any], *path: str) -> dict[str, Any]:
    part: Any = manifest
    for name in path:
        part = part.get(name) if isinstance(part, dict) else None
        if not isinstance(part, dict):
            raise ValueError(f"The job manifest lacks {'.'.join(path)}, or it is no map. {_ADVICE}")
    found: dict[str, Any] = part
    return found


def main_container(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container that the run runs in: the first."""
    container: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return container


def complete_manifest(
    manifest: dict[str, Any],
    *,
    name: str | None,
    namespace: str,
    command: str,
    env: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> dict[str, Any]:
    """Return the manifest with all that the run needs, and without what has no value.

    What the manifest says itself stays: its name, and labels, annotations and variables that the run does not have.
    Raises ConfigurationError where no image is named.
    """
    whole: dict[str, Any] = _without_nothing(manifest)
    whole |= {"apiVersion": "batch/v1", "kind": "Job"}
    metadata = whole.setdefault("metadata", {})
    metadata["namespace"] = metadata.get("namespace") or namespace
    if not metadata.get("name"):
        metadata.pop("name", None)
        said = str(metadata.get("generateName") or "").strip("-")
        metadata["generateName"] = f"{name_base(said if said not in ('', 'None') else name)}-"
    pod = whole["spec"]["template"].setdefault("metadata", {})
    for kind, given, fit in (("labels", labels, labels_of), ("annotations", annotations, annotations_of)):
        metadata[kind] = {**fit(metadata.get(kind) or {}), **fit(given)}
        pod[kind] = {**metadata[kind], **fit(pod.get(kind) or {})}
    whole["spec"]["template"]["spec"].setdefault("restartPolicy", "Never")
    container = main_container(whole)
    container.setdefault("name", "antiphon-job")
    container["args"] = _words(container.get("args"), command)
    container["env"] = _environment(container.get("env"), env)
    if not container.get("image"):
        raise ConfigurationError(
            "No image is named for the job. Deploy with `image=...`, or set the job variable `image` of the deployment "
            "or a default for it in the base job template of the work pool."
        )
    return whole


def _words(said: Any, command: str) -> list[str]:
    if isinstance(said, list):
        return [str(word) for word in said]
    return shlex.split(said if isinstance(said, str) and said.strip() else command)


def _environment(said: Any, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The run's variables, and those that the manifest alone has. A map there is what `{{ env }}` stood for."""
    names = {each["name"] for each in given}
    own = said if isinstance(said, list) else []
    return [*(dict(each) for each in given), *(each for each in own if each.get("name") not in names)]


def _without_nothing(value: Any) -> Any:
    """Without nulls, and without maps that had nothing else in them: what was left out means the API's own default."""
    if isinstance(value, list):
        return [_without_nothing(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, each in value.items():
        left = _without_nothing(each)
        if left is not None and not (left == {} and each):
            kept[key] = left
    return kept
