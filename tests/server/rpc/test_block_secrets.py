"""Secrets of blocks: told only to who asks, never in the database, and under the keys of the operator."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from cryptography.fernet import Fernet

from antiphon.v1 import block_pb2
from antiphon.v1 import block_service_pb2 as pb
from antiphon_server.application.proposals import digest_of
from antiphon_server.encryption_keys import ENCRYPTION_KEY
from antiphon_server.home import DATABASE
from block_calls import MASKED, document
from refusals import Refusal
from server_process import ServerProcess
from stores import bytes_kept, committed, only_sqlite
from world import LOGIN, World, login_type

ONE, TWO = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRETS = ("pw-7Kx", "tk-9Qz")
Serve = Callable[..., Any]


class Client(World):
    """The calls of a World, on a server that is a process."""

    def __init__(self, process: ServerProcess) -> None:
        super().__init__(process)  # type: ignore[arg-type]  # it has a channel
        self.process = process


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Has a server run with these keys in its environment, in a `with` block."""

    @contextmanager
    def serving(keys: str = "") -> Iterator[Client]:
        monkeypatch.setenv(ENCRYPTION_KEY, keys)
        process = ServerProcess(tmp_path)
        try:
            process.serving()
            with process.channel() as channel:
                process.channel = channel  # type: ignore[method-assign,assignment]
                yield Client(process)
            assert process.end() == 0
        finally:
            process.close()

    return serving


def keep(client: World, name: str = "prod") -> str:
    """A document with secrets."""
    schema = client.call("RegisterBlockType", login_type()).block_schema.id
    wanted = {"name": name, "blockSchemaId": schema, "data": LOGIN}
    return str(client.call("CreateBlockDocument", {"blockDocument": wanted}).block_document.id)


def told(client: World, id: str) -> Refusal:
    return client.refused("GetBlockDocument", {"id": id, "includeSecrets": True})


def on_disk(home: Path) -> bytes:
    """Every byte of every file of a server's, and of its tables."""
    files = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    return files + bytes_kept(home / DATABASE)


def test_no_file_of_the_server_has_the_bytes_of_a_secret(serve: Serve, tmp_path: Path) -> None:
    with serve(ONE) as client:
        id = keep(client)
        change = {"id": id, "data": '{"password": "pw-of-later", "user": "ann"}'}
        client.call("UpdateBlockDocument", {"blockDocument": change, "updateMask": "data"})
        running = on_disk(tmp_path)
    for data in (running, on_disk(tmp_path)):
        assert b"prod" in data
        assert not [secret for secret in (*SECRETS, "pw-of-later") if secret.encode() in data]
    assert not [secret for secret in SECRETS if secret in client.process.output()]


@only_sqlite
def test_without_a_key_one_is_made_and_serves_after_a_restart(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        assert not (tmp_path / "encryption.key").exists()
        id = keep(client)
        assert (tmp_path / "encryption.key").stat().st_mode & 0o777 == 0o600
    with serve() as client:
        assert document(client, id) == json.loads(LOGIN)
    # The operator gives one of their own later on: what was kept before can still be read.
    with serve(ONE) as client:
        assert document(client, id) == json.loads(LOGIN)


def test_a_block_without_secrets_needs_no_key(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        schema = client.call("RegisterBlockType", login_type()).block_schema.id
        wanted = {"name": "open", "blockSchemaId": schema, "data": '{"user": "ann"}'}
        id = client.call("CreateBlockDocument", {"blockDocument": wanted}).block_document.id
        assert document(client, id) == {"user": "ann"}
    assert not (tmp_path / "encryption.key").exists()


def test_with_another_key_secrets_are_refused_and_all_else_goes_on(serve: Serve) -> None:
    with serve(ONE) as client:
        id = keep(client)
    with serve(TWO) as client:
        refusal = told(client, id)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ENCRYPTION_KEY_WRONG")
        assert f"the secrets of block document prod ({id}) cannot be read" in refusal.message
        assert f"Start it with {ENCRYPTION_KEY} set to the key of now and that of then" in refusal.message
        assert client.refused("RotateBlockSecrets").reason == "ENCRYPTION_KEY_WRONG"
        unreadable = {"blockDocument": {"id": id, "data": '{"password": "********"}'}, "updateMask": "data"}
        assert client.refused("UpdateBlockDocument", unreadable).reason == "ENCRYPTION_KEY_WRONG"
        assert document(client, id, secrets=False) == MASKED
        assert len(client.call("ListBlockDocuments").block_documents) == 1
        # What is kept anew is kept under the key of now.
        anew = {"blockDocument": {"id": id, "data": LOGIN}, "updateMask": "data"}
        client.call("UpdateBlockDocument", anew)
        assert document(client, id) == json.loads(LOGIN)


def test_keys_are_changed_for_good(serve: Serve) -> None:
    with serve(ONE) as client:
        id = keep(client)
    with serve(f"{TWO},{ONE}") as client:
        assert document(client, id) == json.loads(LOGIN)
        keep(client, "second")
        assert client.call("RotateBlockSecrets").document_count == 2
    with serve(TWO) as client:
        assert document(client, id) == json.loads(LOGIN)
    with serve(ONE) as client:
        assert told(client, id).reason == "ENCRYPTION_KEY_WRONG"


@only_sqlite
def test_a_key_that_is_gone_is_not_made_anew(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        id = keep(client)
    (tmp_path / "encryption.key").rename(tmp_path / "elsewhere")
    with serve() as client:
        assert told(client, id).reason == "ENCRYPTION_KEY_WRONG"
        schema = client.call("RegisterBlockType", login_type()).block_schema.id
        wanted = {"name": "second", "blockSchemaId": schema, "data": LOGIN}
        refusal = client.refused("CreateBlockDocument", {"blockDocument": wanted})
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ENCRYPTION_KEY_MISSING")
        assert "Put it back, or give it to the server by" in refusal.message
        (tmp_path / "elsewhere").rename(tmp_path / "encryption.key")
        assert document(client, id) == json.loads(LOGIN)


def kept_digest(home: Path) -> bytes:
    """Of the only request that is remembered."""
    ((digest,),) = committed(home / DATABASE, "SELECT digest FROM requests")
    return bytes(digest)


def creation(client: World, data: str, request_id: str) -> pb.CreateBlockDocumentRequest:
    schema = client.call("RegisterBlockType", login_type()).block_schema.id
    document = block_pb2.BlockDocument(name="prod", block_schema_id=schema, data=data)
    return pb.CreateBlockDocumentRequest(block_document=document, request_id=request_id)


def test_what_is_remembered_of_a_request_does_not_help_to_guess_its_secrets(serve: Serve, tmp_path: Path) -> None:
    with serve(ONE) as client:
        request = creation(client, LOGIN, str(uuid4()))
        client.call("CreateBlockDocument", request)
    assert kept_digest(tmp_path) != digest_of(request.SerializeToString(deterministic=True))
    assert kept_digest(tmp_path) == digest_of(request.SerializeToString(deterministic=True), ONE.encode())


def test_a_request_with_secrets_is_known_again_also_when_keys_change(serve: Serve) -> None:
    with serve(ONE) as client:
        request = creation(client, LOGIN, str(uuid4()))
        first = client.call("CreateBlockDocument", request)
        assert client.call("CreateBlockDocument", request) == first
        other = creation(client, LOGIN.replace("pw-7Kx", "pw-7Ky"), request.request_id)
        assert client.refused("CreateBlockDocument", other).reason == "REQUEST_ID_REUSED"
    with serve(f"{TWO},{ONE}") as client:
        assert client.call("CreateBlockDocument", request) == first
    # Once the old key is gone nobody can tell, and doing it again would be worse than to refuse it.
    with serve(TWO) as client:
        assert client.refused("CreateBlockDocument", request).reason == "REQUEST_ID_REUSED"


@only_sqlite
def test_a_request_from_before_the_first_key_is_known_again(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        request = creation(client, '{"user": "ann"}', str(uuid4()))
        first = client.call("CreateBlockDocument", request)
        assert not (tmp_path / "encryption.key").exists()
        keep(client, "secret")
        assert (tmp_path / "encryption.key").exists()
        assert client.call("CreateBlockDocument", request) == first


def test_a_server_does_not_start_with_what_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENCRYPTION_KEY, "hunter2")
    process = ServerProcess(tmp_path)
    try:
        word = process.said()
        assert process.wait() == 1
        assert word.startswith(f"error {ENCRYPTION_KEY}: key 1 of 1 is no Fernet key")
        assert "hunter2" not in word + process.output()
    finally:
        process.close()


@pytest.mark.parametrize("method", ["GetBlockDocument", "ListBlockDocuments", "UpdateBlockDocument"])
def test_grpcurl_sees_no_secret_unless_it_asks(grpcurl: str, world: World, method: str) -> None:
    request: dict[str, Any] = {
        "GetBlockDocument": {"name": {"blockTypeSlug": "login", "name": "prod"}},
        "ListBlockDocuments": {},
        "UpdateBlockDocument": {
            "blockDocument": {"id": world.block, "name": "other"},
            "updateMask": {"paths": ["name"]},
        },
    }[method]

    def said(**more: Any) -> str:
        command = [grpcurl, "-plaintext", "-unix", "-d", json.dumps({**request, **more}), str(world.server.socket)]
        command.append(f"antiphon.v1.BlockService/{method}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = said()
    assert "********" in text and not [secret for secret in SECRETS if secret in text]
    if method == "GetBlockDocument":
        assert all(secret in said(includeSecrets=True) for secret in SECRETS)
