"""The job of a run in Kubernetes."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import ConfigurationError
from antiphon.settings import temporary_settings
from antiphon.workers.kubernetes import KubernetesWorkerJobConfiguration
from antiphon.workers.kubernetes.names import label_key, label_value, name_base
from kubernetes_types import KEY_NAME, LABEL_VALUE, SUBDOMAIN

MANIFEST: dict[str, Any] = {"spec": {"template": {"spec": {"containers": [{"image": "i:1"}]}}}}
SERVER = {"ANTIPHON_API_URL": "h:1"}


def manifest(**changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(MANIFEST)
    made.update(changes)
    return made


def prepared(flow_run: FlowRun, made: dict[str, Any], **fields: Any) -> KubernetesWorkerJobConfiguration:
    job = KubernetesWorkerJobConfiguration.model_validate({"job_manifest": made, "env": SERVER, **fields})
    job.prepare_for_flow_run(flow_run, fencing_token=3)
    return job


def test_a_manifest_with_next_to_nothing_is_completed(flow_run: FlowRun) -> None:
    made = prepared(flow_run, manifest()).job_manifest
    assert (made["apiVersion"], made["kind"], made["metadata"]["namespace"]) == ("batch/v1", "Job", "default")
    assert made["metadata"]["generateName"] == "merry-otter-"
    assert made["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert made["spec"]["template"]["spec"]["containers"][0]["name"] == "antiphon-job"


def test_what_a_manifest_says_itself_is_kept(flow_run: FlowRun) -> None:
    said = manifest(metadata={"name": "fixed", "labels": {"a": "b"}, "namespace": "flows"})
    pod = said["spec"]["template"]
    pod["metadata"] = {"annotations": {"sidecar": "no"}}
    pod["spec"]["imagePullSecrets"] = [{"name": "login"}]
    pod["spec"]["containers"][0]["env"] = [{"name": "OWN", "value": "1"}, {"name": "ANTIPHON_API_URL", "value": "x"}]
    job = prepared(flow_run, said)
    made = job.job_manifest
    assert job.namespace == "flows"
    assert made["metadata"]["name"] == "fixed" and "generateName" not in made["metadata"]
    assert made["metadata"]["labels"]["a"] == "b"
    assert made["spec"]["template"]["metadata"]["annotations"] == {"sidecar": "no"}
    assert made["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "login"}]
    assert job.get_environment_variable_value("OWN") == "1"
    assert job.get_environment_variable_value("ANTIPHON_API_URL") == "h:1"
    assert job.get_environment_variable_value("NOT_THERE") is None


def test_the_environment_as_a_list(flow_run: FlowRun) -> None:
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}
    job = prepared(
        flow_run, manifest(), env=[token, {"name": "N", "value": 5}, {"name": "ANTIPHON_API_URL", "value": "h:1"}]
    )
    variables = job.job_manifest["spec"]["template"]["spec"]["containers"][0]["env"]
    assert token in variables and {"name": "N", "value": "5"} in variables
    with pytest.raises(ValidationError, match="needs a `name`"):
        prepared(flow_run, manifest(), env=[{"value": "x"}])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, "lacks spec.template.spec"),
        ({"spec": {"template": []}}, "lacks spec.template.spec"),
        ({"spec": {"template": {"spec": {"containers": []}}}}, "no container"),
        ({**MANIFEST, "kind": "CronJob"}, "kind 'CronJob'; it must be 'Job'"),
        ({**MANIFEST, "apiVersion": "v1"}, "apiVersion 'v1'"),
        ({"spec": {**MANIFEST["spec"], "parallelism": 2}}, r"spec.parallelism 2.* must be 1"),
        (
            {"spec": {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [{}]}}}},
            "restartPolicy 'OnFailure'",
        ),
    ],
)
def test_what_is_no_job(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=f"{why}.*Mend `job_manifest`"):
        KubernetesWorkerJobConfiguration(job_manifest=wrong)


def test_no_image(flow_run: FlowRun) -> None:
    with pytest.raises(ConfigurationError, match="No image is named"):
        prepared(flow_run, {"spec": {"template": {"spec": {"containers": [{}]}}}})


@pytest.mark.parametrize("address", ["grpc://localhost:4200", "127.0.0.1:1", "unix:/run/s", None])
def test_servers_that_no_pod_reaches(flow_run: FlowRun, address: str | None) -> None:
    with temporary_settings({"api.url": address}), pytest.raises(ConfigurationError, match="pod cannot reach"):
        prepared(flow_run, manifest(), env={})


@given(st.text(max_size=100))
def test_names_are_what_kubernetes_takes(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,51}", name_base(text)) and not name_base(text).endswith("-")
    assert LABEL_VALUE.fullmatch(label_value(text))


@given(st.text(max_size=300), st.text(max_size=100))
def test_keys_are_what_kubernetes_takes(prefix: str, name: str) -> None:
    for key in (label_key(name), label_key(f"{prefix}/{name}")):
        if key is not None:
            domain, slash, rest = key.rpartition("/")
            assert KEY_NAME.fullmatch(rest)
            assert not slash or (len(domain) <= 253 and SUBDOMAIN.fullmatch(domain))
