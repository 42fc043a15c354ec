"""Names, labels and annotations as Kubernetes takes them (RFC 1123, 63 characters)."""

import re
from collections.abc import Mapping

#: A pod's name is that of its job and six characters more.
LONGEST_BASE = 52
LONGEST_LABEL = 63
LONGEST_PREFIX = 253


def name_base(name: str | None, otherwise: str = "antiphon-job") -> str:
    """Return what a generated name begins with: lowercase letters, digits and dashes."""
    slug = re.sub(r"[^a-z0-9]+", "-", (name or "").lower()).strip("-")
    return slug[:LONGEST_BASE].rstrip("-") or otherwise


def label_value(value: str) -> str:
    """Return a text as the value of a label; what is not allowed in it becomes a dash."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", value).lstrip("-_.")
    return slug[:LONGEST_LABEL].rstrip("-_.")


def label_key(key: str) -> str | None:
    """Return a text as the key of a label or an annotation; None where nothing is left of it."""
    prefix, slash, name = key.rpartition("/")
    name = label_value(name)
    if not slash:
        return name or None
    domain = re.sub(r"[^a-z0-9.-]+", "-", prefix.lower())
    domain = ".".join(part.strip("-") for part in domain.split(".") if part.strip("-"))[:LONGEST_PREFIX].strip("-.")
    return f"{domain}/{name}" if domain and name else name or None


def labels_of(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels that Kubernetes takes."""
    keyed = ((label_key(key), str(value)) for key, value in labels.items())
    return {key: label_value(value) for key, value in keyed if key is not None}


def annotations_of(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return annotations that Kubernetes takes: their values are free."""
    keyed = ((label_key(key), str(value)) for key, value in annotations.items())
    return {key: value for key, value in keyed if key is not None}
