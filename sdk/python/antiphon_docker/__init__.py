"""Flow runs in Docker containers. Needs the extra `antiphon[docker]`."""

from antiphon_docker.credentials import DockerRegistryCredentials
from antiphon_docker.worker import DockerWorker

__all__ = ["DockerRegistryCredentials", "DockerWorker"]
