"""The job of a run in a container."""

import enum
import re
import sys
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from antiphon.blocks.docker import DockerRegistryCredentials
from antiphon.client.schemas.objects import FlowRun, WorkPool
from antiphon.client.schemas.responses import DeploymentResponse
from antiphon.docker import split_reference
from antiphon.exceptions import ConfigurationError
from antiphon.workers.addresses import API_URL, from_inside, is_local, is_socket, require_address
from antiphon.workers.base import BaseJobConfiguration, BaseVariables

#: How a container calls the machine that it is on.
HOST_NAME = "host.docker.internal"


class ImagePullPolicy(enum.Enum):
    """When the image is pulled."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"
    #: It is pulled where that can be, and the one that is there is taken where it cannot.
    IF_POSSIBLE = "IfPossible"
    NEVER = "Never"


def _volume(volume: str) -> str:
    host, colon, rest = _split_volume(volume)
    container, _, options = rest.partition(":")
    wrong = ""
    if not colon:
        wrong = "" if volume.startswith("/") else "a volume without a name needs an absolute path in the container"
    elif not container.startswith("/") and not re.match(r"[A-Za-z]:?\\", container):
        wrong = "the path in the container must be absolute"
    elif not _is_path(host) and not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", host):
        wrong = f"{host!r} is neither an absolute path nor a name"
    elif options and options not in ("ro", "rw"):
        wrong = f"the option must be ro or rw, not {options!r}"
    if wrong:
        raise ValueError(
            f"{volume!r} is no volume: {wrong}. Write `/path/here:/path/in/container`, `name:/path/in/container`, with "
            "`:ro` or `:rw` behind if wanted, or `/path/in/container`."
        )
    return volume


def _split_volume(volume: str) -> tuple[str, str, str]:
    drive = re.match(r"[A-Za-z]:\\[^:]*", volume)
    if drive is None:
        return volume.partition(":")
    return drive.group(), volume[drive.end() : drive.end() + 1], volume[drive.end() + 1 :]


def _is_path(host: str) -> bool:
    return host.startswith(("/", "\\\\")) or re.match(r"[A-Za-z]:\\", host) is not None


class _Container(BaseModel):
    """What may be said of a container, beside what may be said of any job."""

    image: str | None = Field(
        default=None,
        description="The image to run in, such as `registry.example.com/team/flows:1`. `deploy(image=...)` sets it.",
    )
    registry_credentials: DockerRegistryCredentials | None = Field(
        default=None, description="The block `docker-registry-credentials` to pull the image with."
    )
    image_pull_policy: Literal["IfNotPresent", "Always", "IfPossible", "Never"] | None = Field(
        default=None,
        description="When the image is pulled. If not set: always where the tag is `latest` or none, else if it is not "
        "there.",
    )
    networks: list[str] = Field(
        default_factory=list, description="Names of the networks that the container is connected to."
    )
    network_mode: str | None = Field(
        default=None,
        description="The network mode, such as `host` or `bridge`; not together with `networks`. If neither is set and "
        "the server is on the worker's machine, `host` on Linux.",
    )
    auto_remove: bool = Field(default=False, description="Whether the container is removed when it has ended.")
    volumes: list[Annotated[str, AfterValidator(_volume)]] = Field(
        default_factory=list, description="Volumes to mount, such as `/path/here:/path/in/container:ro`."
    )
    stream_output: bool = Field(default=True, description="Whether what the container prints is printed by the worker.")
    mem_limit: str | None = Field(
        default=None,
        title="Memory Limit",
        description="The most memory, in bytes or with a unit: `100000b`, `1000k`, `128m`, `1g`. What takes more is "
        "killed.",
    )
    memswap_limit: str | None = Field(
        default=None,
        title="Memory Swap Limit",
        description="The most memory and swap together, or -1 for any amount of swap. It needs `mem_limit`. If not "
        "set, as much swap as memory.",
    )
    privileged: bool = Field(default=False, description="Whether the container gets all rights of its host.")
    container_create_kwargs: dict[str, Any] | None = Field(
        default=None,
        title="Container Configuration",
        description="More arguments for `docker.DockerClient.containers.create`.",
    )


class DockerWorkerVariables(_Container, BaseVariables):
    """What a deployment or a run may say of its container."""


class DockerWorkerJobConfiguration(_Container, BaseJobConfiguration):
    """What a container is made of."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.networks and self.network_mode:
            raise ValueError("`networks` and `network_mode` cannot both be set. Leave one of them out.")
        if self.memswap_limit and not self.mem_limit:
            raise ValueError("`memswap_limit` needs a `mem_limit`: it is memory and swap together.")
        own = sorted(set(self.container_create_kwargs or {}) & set(type(self).model_fields) | self._ours())
        if own:
            raise ValueError(
                f"`container_create_kwargs` has {', '.join(own)}, which the job says otherwise. Use the job variables "
                "of the same meaning (`environment` is `env`)."
            )
        return self

    def _ours(self) -> set[str]:
        return set(self.container_create_kwargs or {}) & {"environment", "detach", "network", "tty"}

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        *,
        fencing_token: int = 0,
    ) -> None:
        """Add what this run needs. Raises ConfigurationError where no image is named, or the container could not reach
        the server."""
        given = set(self.env)
        super().prepare_for_flow_run(flow_run, deployment, work_pool, worker_name, fencing_token=fencing_token)
        if not self.image:
            raise ConfigurationError(
                "No image is named for the container. Deploy with `image=...`, or set the job variable `image` of the "
                "deployment or a default for it in the base job template of the work pool."
            )
        address = require_address(self.env.get(API_URL), "a container")
        self._check_socket(address)
        if API_URL not in given and self.get_network_mode() != "host":
            address = from_inside(address, HOST_NAME)
        self.env = {**self.env, API_URL: address}
        self.labels = {_docker_label(key): value for key, value in self.labels.items()}
        self.name = container_name(self.name)

    def _check_socket(self, address: str) -> None:
        """A container sees a socket of its host only where it is mounted at the same place."""
        if not is_socket(address):
            return
        path = "/" + address.removeprefix("unix:").lstrip("/")
        places = [_split_volume(volume) for volume in self.volumes]
        mounted = [rest.partition(":")[0] if colon else host for host, colon, rest in places]
        if not any(path == place or path.startswith(place.rstrip("/") + "/") for place in mounted):
            raise ConfigurationError(
                f"A container cannot reach the server at {address}: it does not see that Unix socket. Start the server "
                f"with a TCP address, and the worker with {API_URL} set to it; or mount the socket at the same path by "
                "`volumes`."
            )

    def get_network_mode(self) -> str | None:
        """Return the network mode: that of the job; else `host` on Linux where the server is on this machine and no
        networks are named."""
        if self.network_mode or self.networks:
            return self.network_mode
        if sys.platform == "linux" and is_local(self.env.get(API_URL) or ""):
            return "host"
        return None

    def needs_host_name(self) -> bool:
        """Whether the container must know the name of its host, which Docker on Linux does not give it by itself."""
        return sys.platform == "linux" and HOST_NAME in (self.env.get(API_URL) or "")

    def pull_policy(self) -> ImagePullPolicy:
        """Return when the image is pulled."""
        if self.image_pull_policy:
            return ImagePullPolicy(self.image_pull_policy)
        name, tag = split_reference(self.image or "")
        fixed = "@" in name or tag not in (None, "latest")
        return ImagePullPolicy.IF_NOT_PRESENT if fixed else ImagePullPolicy.ALWAYS


def _docker_label(key: str) -> str:
    """Docker writes names of domains backwards: `antiphon.io/flow-run-id` is `io.antiphon.flow-run-id`."""
    domain, slash, name = key.partition("/")
    return f"{'.'.join(reversed(domain.split('.')))}.{name}" if slash else key


def container_name(name: str | None) -> str | None:
    """Return a name that Docker takes, or None where nothing is left of it."""
    slug = re.sub(r"[^a-zA-Z0-9_.-]+", "-", name or "")[:250].strip("-_.")
    return slug if len(slug) > 1 else f"antiphon-{slug}" if slug else None
