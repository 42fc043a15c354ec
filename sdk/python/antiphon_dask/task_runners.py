"""The task runner for Dask."""

from antiphon.runners.on_dask import DaskTaskRunner

__all__ = ["DaskTaskRunner"]
