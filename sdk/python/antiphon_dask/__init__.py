"""Tasks on Dask: `@flow(task_runner=DaskTaskRunner(...))`. Needs the extra `antiphon[dask]`."""

from antiphon_dask.task_runners import DaskTaskRunner
from antiphon_dask.utils import get_async_dask_client, get_dask_client

__all__ = ["DaskTaskRunner", "get_async_dask_client", "get_dask_client"]
