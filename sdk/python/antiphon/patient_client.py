"""A client for code that has nobody to try again for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from antiphon.call_retries import with_request_id
from antiphon.exceptions import ServerError
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings

Response = TypeVar("Response")


class PatientClient(ServiceClient):
    """Waits for a server that went away, or whose database takes nothing, as long as runs go on without one (setting
    `client.reconnect_timeout_seconds`).

    Only for calls that may be made twice.
    """

    def call(
        self,
        method: Callable[..., Response],
        request: Message,
        *,
        timeout: float | None = None,
        once: bool = False,
    ) -> Response:
        """See ServiceClient. Raises ServerError for a refusal, and once the patience is over."""
        named = with_request_id(request)
        end = time.monotonic() + get_current_settings().client.reconnect_timeout_seconds
        while True:
            try:
                return super().call(method, named, timeout=timeout, once=once)
            except ServerError as error:
                left = end - time.monotonic()
                if once or left <= 0 or not error.may_pass:
                    raise
                self.wait_out(error, left)
