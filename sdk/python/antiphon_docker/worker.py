"""The worker of the type `docker`."""

from antiphon.workers.docker import DockerWorker, DockerWorkerJobConfiguration, DockerWorkerResult
from antiphon.workers.docker.configuration import ImagePullPolicy

__all__ = ["DockerWorker", "DockerWorkerJobConfiguration", "DockerWorkerResult", "ImagePullPolicy"]
