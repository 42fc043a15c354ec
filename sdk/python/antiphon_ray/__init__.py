"""Tasks on Ray: `@flow(task_runner=RayTaskRunner(...))`. Needs the extra `antiphon[ray]`."""

from antiphon_ray.context import remote_options
from antiphon_ray.task_runners import RayTaskRunner

__all__ = ["RayTaskRunner", "remote_options"]
