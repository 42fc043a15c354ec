"""The block for a webhook."""

from functools import partial
from typing import Any, Literal

from pydantic import Field, SecretStr

from antiphon.blocks import extras
from antiphon.blocks.core import Block
from antiphon.blocks.private_urls import check_public
from antiphon.blocks.quiet_logs import quiet
from antiphon.engine.dual import Work, ask, dual
from antiphon.types import SecretDict

__all__ = ["Webhook"]

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Webhook(Block):
    """A URL to call. It needs `antiphon[webhook]`.

    Example:
        ```python
        from antiphon.blocks.webhook import Webhook

        Webhook.load("my-webhook").call({"text": "done"})
        ```
    """

    _block_type_name = "Webhook"

    method: HttpMethod = Field(default="POST", description="The HTTP method.")
    url: SecretStr = Field(title="Webhook URL", description="The URL.", examples=["https://hooks.example.com/XXX"])
    headers: SecretDict = Field(
        default_factory=lambda: SecretDict({}), title="Webhook Headers", description="Headers to send along."
    )
    allow_private_urls: bool = Field(default=True, description="Whether the URL may lead into a private network.")
    verify: bool = Field(default=True, description="Whether the certificate of the host must be right.")

    @dual
    def call(self, payload: dict[str, Any] | str | None = None) -> Work[Any]:
        """Call the URL and return the `httpx.Response`. A dict is sent as JSON. In async code this gives a coroutine.

        Raises MissingExtraError without httpx, ValueError for a private URL that is not allowed, httpx.HTTPError where
        nobody answers.
        """
        return (yield from ask(partial(self._call, payload)))

    def _call(self, payload: dict[str, Any] | str | None) -> Any:
        httpx = extras.load("httpx", "webhook", "Calling a webhook")
        url = self.url.get_secret_value()
        if not self.allow_private_urls:
            check_public(url)
        body = {"content": payload} if isinstance(payload, str) else {"json": payload} if payload is not None else {}
        # httpx logs whole URLs.
        with quiet("httpx"), httpx.Client(verify=self.verify) as client:
            return client.request(self.method, url, headers=self.headers.get_secret_value(), **body)
