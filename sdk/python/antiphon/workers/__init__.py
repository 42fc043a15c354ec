"""Workers: they take runs of deployments from work pools, and start what runs them."""

from antiphon.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult"]
