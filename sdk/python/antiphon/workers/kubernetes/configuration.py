"""The job of a run in Kubernetes."""

import copy
import enum
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from antiphon import __version__
from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.client.schemas.objects import FlowRun, WorkPool
from antiphon.client.schemas.responses import DeploymentResponse
from antiphon.exceptions import ConfigurationError
from antiphon.workers.addresses import API_URL, is_local, is_socket, require_address
from antiphon.workers.base import BaseJobConfiguration, BaseVariables
from antiphon.workers.kubernetes.manifest import JOB_TEMPLATE, check_manifest, complete_manifest, main_container
from antiphon.workers.kubernetes.names import label_value

#: Labels by which a worker knows the job of a claim again.
RUN_LABEL = "antiphon.io/flow-run-id"
CLAIM_LABEL = "antiphon.io/fencing-token"


class KubernetesImagePullPolicy(enum.Enum):
    """When a node pulls the image."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"
    NEVER = "Never"


class KubernetesWorkerVariables(BaseVariables):
    """What a deployment or a run may say of its Kubernetes job."""

    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations of the job and its pod.")
    namespace: str = Field(default="default", description="The namespace of the job.")
    image: str | None = Field(
        default=None,
        description="The image to run in, such as `registry.example.com/team/flows:1`. `deploy(image=...)` sets it.",
    )
    service_account_name: str | None = Field(default=None, description="The service account of the pod.")
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        default="IfNotPresent", description="When a node pulls the image."
    )
    backoff_limit: int = Field(
        default=0,
        ge=0,
        title="Backoff Limit",
        description="How many more pods Kubernetes makes for a job whose pod has failed. 0 leaves retries to Antiphon.",
    )
    finished_job_ttl: int | None = Field(
        default=None,
        ge=0,
        title="Finished Job TTL",
        description="For how many seconds a job is kept that has ended. If not set, until somebody deletes it.",
    )
    job_watch_timeout_seconds: int | None = Field(
        default=None,
        gt=0,
        description="How many seconds a job may take from its start to its end; then it is deleted. If not set, any "
        "time.",
    )
    pod_watch_timeout_seconds: int = Field(
        default=60,
        gt=0,
        description="How many seconds it may take until a node has the pod; then the job is deleted. Give more where "
        "nodes are started on demand.",
    )
    stream_output: bool = Field(default=True, description="Whether what the pod prints is printed by the worker.")
    cluster_config: KubernetesClusterConfig | None = Field(
        default=None,
        description="The block `kubernetes-cluster-config` of the cluster. If not set: the cluster that the worker "
        "runs in, else that of its kubeconfig file.",
    )
    cpu_request: str | None = Field(
        default=None, title="CPU Request", description="CPUs that are kept free for it, such as `500m` or `2`."
    )
    cpu_limit: str | None = Field(default=None, title="CPU Limit", description="The most CPUs, such as `500m` or `2`.")
    memory_request: str | None = Field(
        default=None, title="Memory Request", description="Memory that is kept free for it, such as `128Mi` or `1Gi`."
    )
    memory_limit: str | None = Field(
        default=None,
        title="Memory Limit",
        description="The most memory, such as `128Mi` or `1Gi`. What takes more is killed.",
    )


class KubernetesWorkerJobConfiguration(BaseJobConfiguration):
    """What a Kubernetes job is made of."""

    annotations: dict[str, str] = Field(default_factory=dict)
    namespace: str = Field(default="default")
    job_manifest: dict[str, Any] = Field(json_schema_extra={"template": JOB_TEMPLATE})
    cluster_config: KubernetesClusterConfig | None = Field(default=None)
    job_watch_timeout_seconds: int | None = Field(default=None, gt=0)
    pod_watch_timeout_seconds: int = Field(default=60, gt=0)
    stream_output: bool = Field(default=True)
    #: Or as in a manifest: a list of names with `value` or `valueFrom`.
    env: dict[str, str | None] | list[dict[str, Any]] = Field(default_factory=dict)  # type: ignore[assignment]

    @field_validator("env")
    @classmethod
    def _named(cls, env: Any) -> Any:
        if isinstance(env, list) and not all(isinstance(each.get("name"), str) for each in env):
            raise ValueError("each variable of a list needs a `name`, and a `value` or a `valueFrom`")
        return env

    @model_validator(mode="after")
    def _is_a_job(self) -> Self:
        check_manifest(self.job_manifest)
        return self

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        *,
        fencing_token: int = 0,
    ) -> None:
        """Complete the manifest with what this run needs. Raises ConfigurationError where no image is named, or the pod
        could not reach the server."""
        special = self._set_special_apart()
        given: set[str] = set(self.env)  # type: ignore[arg-type]
        super().prepare_for_flow_run(flow_run, deployment, work_pool, worker_name, fencing_token=fencing_token)
        environment: dict[str, str | None] = dict(self.env)  # type: ignore[arg-type]
        if API_URL not in given and not any(each["name"] == API_URL for each in special):
            environment[API_URL] = _reachable(environment.get(API_URL))
        variables = [{"name": key, "value": value} for key, value in environment.items() if value is not None]
        named = {each["name"] for each in special}
        labels = {**_standard_labels(deployment), **self.labels}
        if fencing_token:
            labels[CLAIM_LABEL] = str(fencing_token)
        self.env = environment
        self.job_manifest = complete_manifest(
            copy.deepcopy(self.job_manifest),
            name=self.name,
            namespace=self.namespace,
            command=self.command or self.default_command,
            env=[*(each for each in variables if each["name"] not in named), *special],
            labels=labels,
            # What does not fit in a label is told whole.
            annotations={**{k: v for k, v in self.labels.items() if v != label_value(v)}, **self.annotations},
        )
        self.labels = labels
        self.namespace = self.job_manifest["metadata"]["namespace"]

    def _set_special_apart(self) -> list[dict[str, Any]]:
        """The variables whose value comes from elsewhere; the others become a map."""
        if not isinstance(self.env, list):
            return []
        special = [each for each in self.env if "valueFrom" in each]
        self.env = {each["name"]: str(each.get("value", "")) for each in self.env if "valueFrom" not in each}
        return special

    @property
    def claim_selector(self) -> str | None:
        """What finds the job of this claim among others; None where there is no claim."""
        token = self.labels.get(CLAIM_LABEL)
        return f"{RUN_LABEL}={self.labels[RUN_LABEL]},{CLAIM_LABEL}={token}" if token else None

    def get_environment_variable_value(self, name: str) -> str | None:
        """Return the value of a variable as the manifest has it; None where it has none, or it comes from elsewhere."""
        variables = main_container(self.job_manifest).get("env") or []
        return next((each.get("value") for each in variables if each.get("name") == name), None)


def _standard_labels(deployment: DeploymentResponse | None) -> dict[str, str]:
    labels = {
        "app.kubernetes.io/managed-by": "antiphon",
        "app.kubernetes.io/part-of": "antiphon",
        "app.kubernetes.io/version": __version__,
    }
    if deployment is not None:
        labels["app.kubernetes.io/name"] = deployment.name
    return labels


def _reachable(address: str | None) -> str:
    """Raises ConfigurationError for one that no pod can reach."""
    said = require_address(address, "a pod")
    if is_socket(said) or is_local(said):
        raise ConfigurationError(
            f"A pod cannot reach the server at {said}, which is an address of the worker's own machine. Start the "
            f"worker with {API_URL} set to an address that the cluster can reach, such as that of a Service; or set it "
            "in the job variable `env`."
        )
    return said
