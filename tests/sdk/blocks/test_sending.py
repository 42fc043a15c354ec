"""Webhooks and notifications, to a real HTTP server; and Redis, to one that speaks its protocol."""

import asyncio
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

import fakeredis
import httpx
import pytest

from antiphon.blocks import notifications as every
from antiphon.blocks.class_keys import BUILT_IN
from antiphon.blocks.core import Block
from antiphon.blocks.extras import MissingExtraError
from antiphon.blocks.notifications import (
    AppriseNotificationBlock,
    CustomWebhookNotificationBlock,
    MattermostWebhook,
    NotificationBlock,
    NotificationError,
    SlackWebhook,
)
from antiphon.blocks.redis import RedisStorageContainer
from antiphon.blocks.webhook import Webhook
from kinds import Kind
from stored import Stored


@dataclass
class Heard:
    """What an HTTP server was asked, and what it answers."""

    url: str = ""
    status: int = 200
    calls: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.calls.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(heard.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_called(stored: Stored, heard: Heard, kind: Kind) -> None:
    @kind.function
    def life() -> Any:
        yield Webhook(url=f"{heard.url}/hook", headers={"X-Token": "t"}).save("hook", overwrite=True)
        hook = yield Webhook.load("hook")
        response = yield hook.call({"a": 1})
        assert (response.status_code, response.text) == (200, "ok")
        yield hook.call("text")
        yield Webhook(url=heard.url, method="GET").call()

    kind.call(life)
    (method, path, headers, body), (_, _, _, text), (third, _, _, nothing) = heard.calls
    assert (method, path, headers["x-token"], json.loads(body)) == ("POST", "/hook", "t", {"a": 1})
    assert (text, third, nothing) == (b"text", "GET", b"")


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "http://10.1.2.3/x"])
def test_a_private_url_is_refused_where_it_is_not_allowed(url: str) -> None:
    with pytest.raises(ValueError, match="has the private address"):
        Webhook(url=url, allow_private_urls=False).call({})
    with pytest.raises(ValueError, match="has the private address"):
        SlackWebhook(url=url, allow_private_urls=False)


@pytest.mark.parametrize("url", ["ftp://example.com", "nonsense", "http://"])
def test_what_is_no_url_of_http_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with http") as caught:
        Webhook(url=url, allow_private_urls=False).call({})
    assert "nonsense" not in str(caught.value)


def test_a_notification_is_sent_by_apprise(heard: Heard, kind: Kind) -> None:
    class Plain(AppriseNotificationBlock):
        """By the plain JSON of Apprise."""

    @kind.function
    def life() -> Any:
        yield Plain(url=heard.url.replace("http", "json"), notify_type="warning").notify("the body", "the subject")

    kind.call(life)
    said = json.loads(heard.calls[0][3])
    assert (said["title"], said["message"], said["type"]) == ("the subject", "the body", "warning")
    asyncio.run(Plain(url=heard.url.replace("http", "json")).anotify("again"))
    assert len(heard.calls) == 2


def test_a_notification_of_a_service_goes_where_it_says(heard: Heard) -> None:
    place = urlsplit(heard.url)
    block = MattermostWebhook(hostname=place.hostname, port=place.port, token="abcdefghijklmnop", channels=["town"])
    block.notify("hello")
    [(method, path, _, body)] = heard.calls
    assert (method, path) == ("POST", "/hooks/abcdefghijklmnop")
    assert "hello" in json.dumps(json.loads(body))


def test_a_notification_that_fails_is_logged_or_raised(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    heard.status = 500
    block = SlackWebhook(url=heard.url.replace("http", "json"))
    with caplog.at_level(logging.ERROR):
        logging.getLogger("antiphon").propagate = True
        block.notify("lost")
    with block.raise_on_failure(), pytest.raises(NotificationError, match="The notification was not sent") as caught:
        block.notify("lost")
    assert "500" in caught.value.log
    block.notify("lost again, and not raised")


def test_settings_that_a_service_does_not_take_are_told() -> None:
    with pytest.raises(ValueError, match="The settings of this SlackWebhook are none that its service takes") as caught:
        SlackWebhook(url="nonsense").notify("x")
    assert "Check its fields url, allow_private_urls." in str(caught.value)


REFUSED: list[NotificationBlock] = [
    every.TwilioSMS(
        account_sid="AC" + "a" * 32, auth_token="hunter2", from_phone_number="1", to_phone_numbers=["hunter2"]
    ),
    every.MicrosoftTeamsWebhook(url="https://prod-1.westus.logic.azure.com/hunter2"),
    every.DiscordWebhook(webhook_id=" ", webhook_token="hunter2"),
    every.PagerDutyWebHook(integration_key="hunter2", api_key=" "),
    SlackWebhook(url="nonsense://hunter2"),
    SlackWebhook(url="twilio://hunter2:hunter2@hunter2"),
]


@pytest.mark.parametrize("block", REFUSED, ids=lambda block: type(block).__name__)
def test_settings_that_are_refused_are_not_quoted(block: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1), pytest.raises(ValueError, match=f"The settings of this {type(block).__name__}") as caught:
        block.notify("x")
    assert "auth_token" in str(caught.value) or type(block) is not every.TwilioSMS
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + caplog.text
    assert caught.value.__context__ is None


SAMPLES: list[NotificationBlock] = [
    every.SlackWebhook(url="https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"),
    every.MicrosoftTeamsWebhook(
        url="https://prod-12.westus.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/"
        "invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
    ),
    every.PagerDutyWebHook(integration_key="a" * 32, api_key="b" * 20, custom_details={"a": "b"}),
    every.TwilioSMS(
        account_sid="AC" + "a" * 32,
        auth_token="b" * 32,
        from_phone_number="18001234567",
        to_phone_numbers=["18004242424"],
    ),
    every.OpsgenieWebhook(apikey="8b799edf-6f98-4d3a-9be7-2862fb4e5752", target_team=["ops"], details={"a": "b"}),
    every.DiscordWebhook(webhook_id="4" * 18, webhook_token="T" * 60, botname="bot"),
    every.SendgridEmail(api_key="SG.abc", sender_email="a@example.com", to_emails=["b@example.com"]),
]


@pytest.mark.parametrize("block", SAMPLES, ids=lambda block: type(block).__name__)
def test_every_service_takes_its_settings(block: Any, stored: Stored) -> None:
    import apprise  # noqa: PLC0415 - the extra of these tests alone

    assert apprise.Apprise().add(block._service())
    block.save("sample", overwrite=True)
    loaded = Block.load(f"{block.get_block_type_slug()}/sample")
    assert loaded.model_dump(context={"include_secrets": True}) == block.model_dump(context={"include_secrets": True})


def custom(url: str, **more: Any) -> CustomWebhookNotificationBlock:
    return CustomWebhookNotificationBlock(name="chat", url=url, secrets={"token": "hunter2"}, **more)


def test_a_custom_webhook_fills_in_what_stands_in_braces(heard: Heard, kind: Kind) -> None:
    block = custom(
        heard.url + "/{{token}}",
        json_data={"text": ["{{subject}}: {{ body }}", 3], "{{name}}": "{{token}}"},
        headers={"X-Name": "{{name}}"},
        params={"q": "{{body}}"},
        cookies={"c": "{{token}}"},
    )

    @kind.function
    def life() -> Any:
        yield block.notify("the body", "subject")
        yield custom(heard.url, form_data="plain {{body}} {{subject}}").notify("x")

    kind.call(life)
    (method, path, headers, body), (_, _, _, plain) = heard.calls
    assert (method, path, headers["x-name"]) == ("POST", "/hunter2?q=the%20body", "chat") or "q=the+body" in path
    assert json.loads(body) == {"text": ["subject: the body", 3], "chat": "hunter2"}
    assert headers["cookie"] == "c=hunter2" and plain == b"plain x null"


def test_a_custom_webhook_that_fails_says_so_without_secrets(heard: Heard) -> None:
    heard.status = 404
    for url, said in (
        (heard.url + "/{{token}}", "chat answered with status 404"),
        ("http://127.0.0.1:9/{{token}}", "ConnectError"),
    ):
        block = custom(url)
        block.notify("lost")
        with block.raise_on_failure(), pytest.raises(NotificationError, match=said) as caught:
            block.notify("lost")
        assert "hunter2" not in str(caught.value)


def test_a_url_is_in_no_log(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1):
        Webhook(url=f"{heard.url}/hunter2").call()
        custom(heard.url + "/{{token}}").notify("x")
        assert [path for _, path, _, _ in heard.calls] == ["/hunter2"] * 2
        assert "hunter2" not in caplog.text
        httpx.get(f"{heard.url}/of-others")
    assert "/of-others" in caplog.text


def test_a_custom_webhook_that_cannot_be_is_told() -> None:
    with pytest.raises(
        KeyError, match=r"has the placeholder \{\{nobody\}\}, which is none of body, name, subject, token"
    ):
        custom("http://example.com/{{nobody}}")
    with pytest.raises(ValueError, match="sends JSON Data or Form Data, not both"):
        custom("http://example.com", json_data={}, form_data={})


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("httpx", lambda: Webhook(url="http://127.0.0.1:9").call(), "webhook"),
        ("apprise", lambda: SlackWebhook(url="https://127.0.0.1:9").notify("x"), "notifications"),
        ("redis", lambda: RedisStorageContainer(host="127.0.0.1").read_path("x"), "redis"),
    ],
)
def test_a_package_that_is_missing_is_told(
    package: str, call: Any, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package {package} .*pip install 'antiphon\[{extra}\]'"):
        call()


@pytest.fixture
def redis_port() -> Iterator[int]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield cast(int, server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def test_bytes_are_kept_in_redis(redis_port: int, stored: Stored, kind: Kind) -> None:
    @kind.function
    def life() -> Any:
        url = f"redis://127.0.0.1:{redis_port}/1"
        yield RedisStorageContainer.from_connection_string(url).save("kept", overwrite=True)
        for place in (
            RedisStorageContainer.from_host("127.0.0.1", redis_port, 1),
            (yield RedisStorageContainer.load("kept")),
        ):
            assert (yield place.read_path("gone")) is None
            assert (yield place.write_path("a/b", b"\xff")) is True
            assert (yield place.read_path("a/b")) == b"\xff"

    kind.call(life)


def test_redis_needs_a_place() -> None:
    with pytest.raises(ValueError, match="needs a host or a connection_string"):
        RedisStorageContainer()
    with pytest.raises(ValueError, match="has a username, but no password"):
        RedisStorageContainer.from_host("localhost", username="ann")


@pytest.mark.parametrize("slug", BUILT_IN)
def test_every_built_in_type_is_found_and_protected(slug: str, stored: Stored) -> None:
    kind = Block.get_block_class_from_key(slug)
    assert kind.get_block_type_slug() == slug
    kind.register_type_and_schema()
    assert kind.get_code_example() and kind.get_description() and "Example" not in str(kind.get_description())
