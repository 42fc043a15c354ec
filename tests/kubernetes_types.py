"""The types of the Kubernetes API, as its OpenAPI description has them: read from the models that the client package
was generated with. What does not fit is refused, as an API server does with strict validation."""

import inspect
import re
from datetime import datetime
from functools import cache
from typing import Any

from kubernetes_asyncio import client
from kubernetes_asyncio.client import models

from fake_http import Refused

_SIMPLE: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "object": (object,),
}


def check(value: Any, kind: str, where: str = "") -> None:
    """Refuses (400) a value that is not of a type, such as `V1Job`, with the place in it."""
    wrong = _wrong(value, kind, where)
    if wrong:
        raise Refused(400, f"strict decoding error: {wrong}", reason="BadRequest")


def _wrong(value: Any, kind: str, where: str) -> str:
    if value is None:
        return ""
    if kind.startswith("list["):
        if not isinstance(value, list):
            return f"{where}: expected a list, not {value!r}"
        return _first(_wrong(each, kind[5:-1], f"{where}[{n}]") for n, each in enumerate(value))
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            return f"{where}: expected a map, not {value!r}"
        of = kind[5:-1].partition(", ")[2]
        return _first(_wrong(each, of, f"{where}.{key}") for key, each in value.items())
    if kind == "datetime":
        return "" if isinstance(value, str) and _is_time(value) else f"{where}: expected a time, not {value!r}"
    if kind in _SIMPLE:
        fits = isinstance(value, _SIMPLE[kind]) and (kind in ("bool", "object") or not isinstance(value, bool))
        return "" if fits else f"{where}: expected {kind}, not {value!r}"
    return _wrong_model(value, kind, where)


def _wrong_model(value: Any, kind: str, where: str) -> str:
    if not isinstance(value, dict):
        return f"{where}: expected {kind}, not {value!r}"
    model = getattr(models, kind)
    names = {key: name for name, key in model.attribute_map.items()}
    unknown = sorted(set(value) - set(names))
    if unknown:
        return f'unknown field "{where.lstrip(".")}{"." if where else ""}{unknown[0]}"'
    inner = _first(_wrong(each, model.openapi_types[names[key]], f"{where}.{key}") for key, each in value.items())
    if inner:
        return inner
    try:
        # What is required, what may be chosen from, ranges and patterns.
        model(**{names[key]: each for key, each in value.items()})
    except ValueError as error:
        return f"{where or kind}: {error}"
    return ""


def _first(problems: Any) -> str:
    return next((each for each in problems if each), "")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


@cache
def query_names(api: str, method: str) -> frozenset[str]:
    """The query parameters that an operation takes, such as those of `BatchV1Api` and `create_namespaced_job`."""
    source = inspect.getsource(getattr(getattr(client, api), f"{method}_with_http_info"))
    return frozenset(re.findall(r"query_params\.append\(\('(\w+)'", source))


SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
KEY_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def check_metadata(metadata: dict[str, Any], longest: int) -> None:
    """Refuses (422) a name, labels or annotations that Kubernetes does not take."""
    name = metadata["name"]
    if len(name) > longest or not SUBDOMAIN.fullmatch(name):
        raise Refused(422, f"metadata.name: Invalid value: {name!r}", reason="Invalid")
    for kind in ("labels", "annotations"):
        for key, value in (metadata.get(kind) or {}).items():
            prefix, slash, rest = key.rpartition("/")
            good = KEY_NAME.fullmatch(rest) and (not slash or (len(prefix) <= 253 and SUBDOMAIN.fullmatch(prefix)))
            if not good:
                raise Refused(422, f"metadata.{kind}: Invalid value: {key!r}", reason="Invalid")
            if kind == "labels" and not LABEL_VALUE.fullmatch(value):
                raise Refused(422, f"metadata.labels: Invalid value: {value!r}", reason="Invalid")
