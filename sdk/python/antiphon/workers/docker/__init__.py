"""Workers that run each flow run in a Docker container. Needs the extra `antiphon[docker]`."""

from antiphon.workers.docker.configuration import DockerWorkerJobConfiguration, DockerWorkerVariables
from antiphon.workers.docker.worker import DockerWorker, DockerWorkerResult

__all__ = ["DockerWorker", "DockerWorkerJobConfiguration", "DockerWorkerResult", "DockerWorkerVariables"]
