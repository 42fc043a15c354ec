"""What a Kubernetes API server of a test keeps: objects with versions, and what became of them, for who watches."""

import bisect
import copy
import itertools
import random
import string
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fake_http import Refused

#: Names that are generated have five characters at their end, and 63 at most.
LONGEST_BASE = 58


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        #: (version, kind, namespace, type of event, the object as it was)
        self.history: list[tuple[int, str, str, str, dict[str, Any]]] = []
        self.compacted = 0
        self._versions = itertools.count(100)
        self.version = next(self._versions)

    def _happened(self, kind: str, namespace: str, what: str, found: dict[str, Any]) -> None:
        self.version = next(self._versions)
        found["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, kind, namespace, what, copy.deepcopy(found)))
        self.changed.notify_all()

    def create(self, kind: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keeps a new object. Refuses (409) a name that is taken."""
        with self.changed:
            made = copy.deepcopy(body)
            metadata = made.setdefault("metadata", {})
            if not metadata.get("name"):
                ending = "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
                metadata["name"] = metadata["generateName"][:LONGEST_BASE] + ending
            key = (kind, namespace, metadata["name"])
            if key in self.objects:
                raise Refused(409, f'{kind} "{metadata["name"]}" already exists', reason="AlreadyExists")
            metadata |= {"namespace": namespace, "uid": str(uuid4()), "creationTimestamp": now()}
            self.objects[key] = made
            self._happened(kind, namespace, "ADDED", made)
            return copy.deepcopy(made)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """The object. Refuses (404) one that is not there."""
        with self.changed:
            found = self.objects.get((kind, namespace, name))
            if found is None:
                raise Refused(404, f'{kind} "{name}" not found', reason="NotFound")
            return copy.deepcopy(found)

    def all(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """Copies of the objects of a kind."""
        with self.changed:
            return [copy.deepcopy(each) for (k, n, _), each in self.objects.items() if (k, n) == (kind, namespace)]

    def update(self, kind: str, namespace: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Merges changes in."""
        with self.changed:
            self.get(kind, namespace, name)
            found = self.objects[kind, namespace, name]
            _merge(found, changes)
            self._happened(kind, namespace, "MODIFIED", found)
            return copy.deepcopy(found)

    def since(self, version: int, kind: str, namespace: str) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
        """What has happened to objects of a kind after a version, and the last version that was looked at."""
        with self.changed:
            first = bisect.bisect_right(self.history, version, key=lambda each: each[0])
            new = self.history[first:]
            fitting = [(what, body) for _, k, n, what, body in new if (k, n) == (kind, namespace)]
            return (new[-1][0] if new else version), fitting

    def delete(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        with self.changed:
            self.get(kind, namespace, name)
            found = self.objects.pop((kind, namespace, name))
            self._happened(kind, namespace, "DELETED", found)
            return copy.deepcopy(found)

    def compact(self) -> None:
        """Forgets what has happened: who watches from before has to list again."""
        with self.changed:
            self.history.clear()
            self.compacted = self.version
            self.changed.notify_all()


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
