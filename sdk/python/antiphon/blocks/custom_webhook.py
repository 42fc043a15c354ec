"""Notifications by any HTTP call, with placeholders."""

import re
from functools import partial
from typing import Any, Literal

from pydantic import Field

from antiphon.blocks import extras
from antiphon.blocks.abstract import NotificationBlock, NotificationError
from antiphon.blocks.private_urls import check_public
from antiphon.blocks.quiet_logs import quiet
from antiphon.engine.dual import Work, ask, awaitable, dual
from antiphon.types import SecretDict

_PLACEHOLDER = re.compile(r"{{\s*(\w+)\s*}}")
#: What a message fills in besides the secrets.
_OF_MESSAGE = ("name", "subject", "body")


class CustomWebhookNotificationBlock(NotificationBlock):
    """Sends messages by a call of your own making.

    `{{name}}`, `{{subject}}`, `{{body}}` and the keys of `secrets` are filled in, wherever they stand.

    Example:
        ```python
        from antiphon.blocks.notifications import CustomWebhookNotificationBlock

        CustomWebhookNotificationBlock(
            name="chat",
            url="https://chat.example.com/{{token}}",
            json_data={"text": "{{subject}}: {{body}}"},
            secrets={"token": "..."},
        ).save("chat")
        ```
    """

    _block_type_name = "Custom Webhook"

    name: str = Field(title="Name", description="The name of the webhook.")
    url: str = Field(title="Webhook URL", description="The URL.", examples=["https://hooks.example.com/XXX"])
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST", description="The HTTP method.")
    params: dict[str, str] | None = Field(default=None, title="Query Params", description="What follows ? in the URL.")
    json_data: dict[str, Any] | None = Field(
        default=None,
        title="JSON Data",
        description="What is sent, as JSON.",
        examples=['{"text": "{{subject}}\\n{{body}}", "title": "{{name}}", "token": "{{token}}"}'],
    )
    form_data: dict[str, str] | str | None = Field(
        default=None, title="Form Data", description="What is sent, as a form or as text; not with JSON Data."
    )
    headers: dict[str, str] | None = Field(default=None, description="Headers to send along.")
    cookies: dict[str, str] | None = Field(default=None, description="Cookies to send along.")
    timeout: float = Field(default=10, description="Seconds to wait for an answer.")
    allow_private_urls: bool = Field(default=True, description="Whether the URL may lead into a private network.")
    secrets: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        title="Custom Secret Values",
        description="Values that are filled in by their keys.",
        examples=['{"token": "..."}'],
    )

    def block_initialization(self) -> None:
        if self.json_data is not None and self.form_data is not None:
            raise ValueError("A custom webhook sends JSON Data or Form Data, not both.")
        known = {*_OF_MESSAGE, *self.secrets.get_secret_value()}
        missing = sorted(_names_in(self._templates()) - known)
        if missing:
            raise KeyError(
                f"The custom webhook has the placeholder {{{{{missing[0]}}}}}, which is none of "
                f"{', '.join(sorted(known))}. Add it to secrets."
            )

    @dual
    def notify(self, body: str, subject: str | None = None) -> Work[None]:
        """Send a message. In async code this gives a coroutine.

        One that could not be sent is logged, and raises NotificationError within `raise_on_failure()`. Raises
        MissingExtraError without httpx, ValueError for a private URL that is not allowed.
        """
        problem = yield from ask(partial(self._send, body, subject))
        if problem is None:
            return
        if self._raise_on_failure:
            raise NotificationError(problem)
        self.logger.error("The notification was not sent. %s", problem)

    anotify = awaitable(notify)

    def _templates(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "params": self.params,
            "json": self.json_data,
            "data": self.form_data,
            "headers": self.headers,
            "cookies": self.cookies,
        }

    def _send(self, body: str, subject: str | None) -> str | None:
        """Why it could not be sent; None where it was. URLs may have secrets in them, so no words of httpx."""
        httpx = extras.load("httpx", "webhook", "Calling a webhook")
        values = {
            **self.secrets.get_secret_value(),
            "name": self.name,
            "subject": "null" if subject is None else subject,
            "body": body,
        }
        call = {key: _filled(each, values) for key, each in self._templates().items() if each is not None}
        if not self.allow_private_urls:
            check_public(call["url"])
        cookies = call.pop("cookies", None)
        if isinstance(call.get("data"), str):
            call["content"] = call.pop("data")
        try:
            with quiet("httpx"), httpx.Client(timeout=self.timeout, cookies=cookies) as client:
                response = client.request(self.method, **call)
        except httpx.HTTPError as error:
            return f"The call of {self.name} failed: {type(error).__name__}."
        return None if response.is_success else f"{self.name} answered with status {response.status_code}."


def _names_in(template: Any) -> set[str]:
    if isinstance(template, str):
        return set(_PLACEHOLDER.findall(template))
    if isinstance(template, dict):
        return {name for pair in template.items() for part in pair for name in _names_in(part)}
    if isinstance(template, list | tuple):
        return {name for part in template for name in _names_in(part)}
    return set()


def _filled(template: Any, values: dict[str, Any]) -> Any:
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), template)
    if isinstance(template, dict):
        return {_filled(key, values): _filled(each, values) for key, each in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(each, values) for each in template]
    return template
