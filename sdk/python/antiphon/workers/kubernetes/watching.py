"""Follows what becomes of objects, over cuts: a list, then a watch from there on. It needs `kubernetes_asyncio`."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from antiphon.workers.kubernetes.api import LOST, WATCH_SECONDS, ApiError, Cluster
from antiphon.workers.patience import Patience

GONE = 410
#: Between two watches: a server that ends each at once is not to be asked without a pause.
REST_SECONDS = 0.1


class Follower(Protocol):
    """Who is told."""

    def replace(self, objects: list[dict[str, Any]]) -> None:
        """These are all that there are."""

    def changed(self, found: dict[str, Any]) -> None:
        """One is new, or another than before."""

    def deleted(self, found: dict[str, Any]) -> None:
        """One is gone."""


async def follow(
    cluster: Cluster,
    what: str,
    listing: Callable[..., Awaitable[Any]],
    selection: Mapping[str, str],
    to: Follower,
    *place: str,
) -> None:
    """Tell of the objects that a list operation gives, until this is cancelled.

    A watch that ends is gone on with from the last version seen; where the server has forgotten that (410), all is
    listed anew. Raises Unreachable where nothing answers for too long, ApiError where the worker may not look.
    """
    while True:
        answer = await cluster.ask_patiently(f"list {what}", listing, *place, **selection)
        to.replace(answer["items"])
        version = answer["metadata"]["resourceVersion"]
        patience = cluster.patience()
        while version is not None:
            try:
                version = await _watch(cluster, what, listing, selection, to, place, version, patience)
            except ApiError as error:
                if error.status == GONE:
                    break
                await cluster.rest(patience, error)
            except LOST as error:
                await cluster.rest(patience, error)
            else:
                await asyncio.sleep(REST_SECONDS)


async def _watch(
    cluster: Cluster,
    what: str,
    listing: Callable[..., Awaitable[Any]],
    selection: Mapping[str, str],
    to: Follower,
    place: tuple[str, ...],
    version: str,
    patience: Patience,
) -> str | None:
    """One watch. Returns the version to go on from, None where the server has forgotten it."""
    more: dict[str, Any] = {**selection, "watch": True, "resource_version": version}
    more |= {"allow_watch_bookmarks": True, "timeout_seconds": WATCH_SECONDS}
    async with cluster.stream(f"watch {what}", listing, *place, **more) as pieces:
        patience.heard()
        try:
            async for event in _events(pieces):
                kind, found = event["type"], event["object"]
                if kind == "ERROR":
                    if found.get("code") == GONE:
                        return None
                    raise ApiError(
                        int(found.get("code") or 500), str(found.get("reason")), str(found.get("message")), what
                    )
                version = found["metadata"]["resourceVersion"]
                if kind in ("ADDED", "MODIFIED"):
                    to.changed(found)
                elif kind == "DELETED":
                    to.deleted(found)
        except LOST:
            # It was cut: what was seen until then counts.
            return version
    return version


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Each line is an event; one that was cut off comes again with the next watch."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
