"""Which class stands for which block type."""

import importlib
from typing import Any

from antiphon.blocks.errors import UnknownBlockType

#: Classes that come with Antiphon, by the module that has them; loaded when one is asked for.
BUILT_IN: dict[str, str] = {
    "secret": "antiphon.blocks.system",
    "webhook": "antiphon.blocks.webhook",
    "redisstoragecontainer": "antiphon.blocks.redis",
    "local-file-system": "antiphon.filesystems",
    "remote-file-system": "antiphon.filesystems",
    "smb": "antiphon.filesystems",
    "docker-registry-credentials": "antiphon.blocks.docker",
    "kubernetes-cluster-config": "antiphon.blocks.kubernetes",
    **dict.fromkeys(
        (
            *("slack-webhook", "ms-teams-webhook", "pager-duty-webhook", "twilio-sms", "opsgenie-webhook"),
            *("mattermost-webhook", "discord-webhook", "sendgrid-email", "custom-webhook"),
        ),
        "antiphon.blocks.notifications",
    ),
}

_classes: dict[str, Any] = {}


def remember(key: str, kind: Any) -> None:
    """Has a class stand for its type. The one that was defined last counts."""
    _classes[key] = kind


def class_of(key: str) -> Any:
    """The class of a type. Raises UnknownBlockType."""
    if key not in _classes and key in BUILT_IN:
        importlib.import_module(BUILT_IN[key])
    try:
        return _classes[key]
    except KeyError:
        raise UnknownBlockType(
            f"No class for blocks of the type {key!r} is known here. Import the module that defines it first."
        ) from None
