"""Clients for code that works with Dask's own collections."""

from antiphon.runners.dask_clients import get_async_dask_client, get_dask_client

__all__ = ["get_async_dask_client", "get_dask_client"]
