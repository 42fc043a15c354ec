"""Notifications by Apprise, which is loaded when the first one is sent."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from pydantic import Field, SecretStr

from antiphon.blocks import extras
from antiphon.blocks.abstract import NotificationBlock, NotificationError
from antiphon.blocks.private_urls import check_public
from antiphon.blocks.quiet_logs import quiet
from antiphon.engine.dual import Work, ask, awaitable, dual

_EXTRA = "notifications"


class AbstractAppriseNotificationBlock(NotificationBlock, ABC):
    """Sends messages by a service that Apprise knows."""

    notify_type: Literal["info", "success", "warning", "failure"] = Field(
        default="info", description="The kind of notification."
    )

    @abstractmethod
    def _service(self) -> Any:
        """What Apprise takes to send by: its URL, or one of its plugins."""

    @dual
    def notify(self, body: str, subject: str | None = None) -> Work[None]:
        """Send a message. In async code this gives a coroutine.

        One that could not be sent is logged, and raises NotificationError within `raise_on_failure()`. Raises
        MissingExtraError without Apprise, ValueError for settings that the service does not take.
        """
        log = yield from ask(partial(self._send, body, subject))
        if log is None:
            return
        if self._raise_on_failure:
            raise NotificationError(log)
        self.logger.error("The notification was not sent. %s", log)

    anotify = awaitable(notify)

    def _send(self, body: str, subject: str | None) -> str | None:
        """What Apprise said of a failure; None where it was sent."""
        apprise = extras.load("apprise", _EXTRA, "Sending a notification")
        client = apprise.Apprise()
        if not self._is_taken_by(client):
            names = [name for name in type(self).model_fields if name != "notify_type"]
            raise ValueError(
                f"The settings of this {type(self).__name__} are none that its service takes. Check its fields "
                f"{', '.join(names)}."
            )
        with _said_by_apprise() as said:
            sent = client.notify(body=body, title=subject, notify_type=self.notify_type)
        return None if sent else "\n".join(said)

    def _is_taken_by(self, client: Any) -> bool:
        """Whether Apprise takes the settings. What it says against them quotes them, and some are secret: nobody hears
        it, and no exception has it as its context."""
        with quiet("apprise"):
            try:
                service = self._service()
                return bool(service and client.add(service))
            except TypeError:
                return False


class AppriseNotificationBlock(AbstractAppriseNotificationBlock, ABC):
    """Sends messages to a URL that Apprise knows."""

    url: SecretStr = Field(
        title="Webhook URL", description="Where messages are sent to.", examples=["https://hooks.example.com/XXX"]
    )
    allow_private_urls: bool = Field(default=True, description="Whether the URL may lead into a private network.")

    def block_initialization(self) -> None:
        if not self.allow_private_urls:
            check_public(self.url.get_secret_value())

    def _service(self) -> Any:
        return self.url.get_secret_value()


def plugin(schema: str, **settings: Any) -> Any:
    """Return the plugin of Apprise that sends by a service.

    Raises MissingExtraError; TypeError for settings that the service does not take, which quotes them.
    """
    return _plugins()[schema](**settings)


def from_native_url(schema: str, url: SecretStr, **settings: Any) -> Any:
    """Return the same for a URL that the service itself gives; None for a URL that is not one of it."""
    kind = _plugins()[schema]
    parsed = kind.parse_native_url(url.get_secret_value())
    return kind(**{**parsed, **settings}) if parsed else None


def _plugins() -> Any:
    return extras.load("apprise.manager_plugins", _EXTRA, "Sending a notification").NotificationManager()


@contextmanager
def _said_by_apprise() -> Iterator[list[str]]:
    """Collects what Apprise logs meanwhile, from warnings on."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
