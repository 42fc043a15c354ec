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
        client, service = apprise.Apprise(), self._service()
        with _said_by_apprise() as said:
            if not service or not client.add(service):
                raise ValueError(
                    f"The settings of this {type(self).__name__} are none that its service takes. Check URL and keys."
                )
            sent = client.notify(body=body, title=subject, notify_type=self.notify_type)
        return None if sent else "\n".join(said)


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
    """Return the plugin of Apprise that sends by a service. Raises MissingExtraError, ValueError."""
    try:
        return _plugins()[schema](**settings)
    except TypeError as error:
        # So Apprise says what is wrong with a key or an address.
        raise ValueError(f"The service {schema} does not take these settings: {error}") from None


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
