"""Which class a type of work pool has its workers of. Classes are loaded when they are asked for."""

import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from antiphon.close_names import meant

#: Under which other packages say the workers they have: `my-type = "my_package.workers:MyWorker"`.
GROUP = "antiphon.workers"
#: Type -> module and class.
OUR_TYPES: Mapping[str, str] = {
    "process": "antiphon.workers.process:ProcessWorker",
    "docker": "antiphon.workers.docker:DockerWorker",
    "kubernetes": "antiphon.workers.kubernetes:KubernetesWorker",
}
#: Type -> the extra that it needs.
EXTRAS: Mapping[str, str] = {"docker": "docker", "kubernetes": "kubernetes"}


def all_worker_types() -> list[str]:
    """Return the types that there are workers of here, in order; whether they can be loaded is not looked at."""
    return sorted({*OUR_TYPES, *_others()})


def load_worker_class(type: str) -> Any:
    """Return the class for a type. Raises ValueError for an unknown one, ImportError that says what to install."""
    other = _others().get(type)
    if type in OUR_TYPES:
        return _ours(type)
    if other is None:
        known = all_worker_types()
        raise ValueError(
            f"There are no workers of the type {type!r} here{meant(type, known)}. There are {', '.join(known)}; other "
            f"packages add some under the entry point group {GROUP!r}."
        )
    return other.load()


def _others() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}


def _ours(type: str) -> Any:
    module, _, name = OUR_TYPES[type].partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        if type not in EXTRAS:
            raise
        raise ImportError(
            f"Workers of the type {type!r} need packages that are not installed: {error}. Install them with "
            f"`pip install 'antiphon[{EXTRAS[type]}]'`."
        ) from error
