"""`antiphon server doctor`: on real servers, and where there is none or somebody else."""

import datetime
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import Result

from antiphon.cli.doctor import here, servers, strangers
from antiphon.cli.server_doctor import doctor
from antiphon.v1 import admin_service_pb2 as pb
from running_server import RunningServer
from world import World

Cli = Callable[..., Result]
LISTEN = ("127.0.0.1:0",)


@pytest.fixture
def running(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """A real server, configured as the one to talk to, by TCP."""
    with RunningServer(tmp_path, listen=LISTEN) as server:
        monkeypatch.setenv("ANTIPHON_API_URL", address_of(server))
        yield server


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who says nothing is waited for."""
    monkeypatch.setattr(servers, "_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(strangers, "_TIMEOUT_SECONDS", 0.3)


def address_of(server: RunningServer) -> str:
    return str(server.server.addresses[-1])


def free_address() -> str:
    """Of nobody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def reasons(result: Result) -> list[str]:
    return [each["reason"] for each in json.loads(result.stdout)["findings"]]


def test_all_is_well(antiphon: Cli, running: RunningServer) -> None:
    World(running).fill()
    result = antiphon("server", "doctor")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"All is well at {address_of(running)}. Looked at: settings, folders, addresses, ")
    assert ", late runs, task runs" in result.stdout
    assert result.stdout.count("\n") == 1
    told = json.loads(antiphon("server", "doctor", "--strict", "-o", "json").stdout)
    assert (told["healthy"], told["findings"]) == (True, [])
    assert [each["target"] for each in told["servers"]] == [address_of(running)]
    assert told["servers"][0]["server_info"]["process_id"]
    assert {"settings", "addresses", "writer", "late_runs"} <= set(told["checks"])


def test_no_server_is_well_where_one_starts_by_itself(antiphon: Cli, home: Path) -> None:
    result = antiphon("server", "doctor")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "All is well here; no server runs for this home, and one starts by itself when a flow"
    )
    assert not home.exists(), "nothing is made or started"


def test_no_server_and_none_may_start(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_SERVER_EPHEMERAL_ENABLED", "false")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["SERVER_NOT_NAMED"])


def test_what_the_server_finds_is_told_with_the_next_step(antiphon: Cli, running: RunningServer) -> None:
    world = World(running)
    world.call("CreateWorkPool", {"workPool": {"name": "gpu", "type": "process"}})
    deployment = {"name": "nightly", "flowName": "etl", "workPoolName": "gpu"}
    deployed = world.call("CreateDeployment", {"deployment": deployment}).deployment.id
    run = world.call("RunDeployment", {"id": deployed, "flowRunName": "lark"}).flow_run.id
    running.advance(90)
    running.run(running.server.sweeper.sweep)
    result = antiphon("server", "doctor")
    assert result.exit_code == 1
    first, *rest = result.stdout.splitlines()
    assert first == "Error RUNS_WITHOUT_WORKER"
    assert rest[0].startswith("    1 flow run has been due for ")
    assert rest[1].startswith("    Why it matters: ")
    assert rest[2].startswith("    Next step: Start one: `antiphon worker start --pool gpu`")
    assert "CLOCK_SKEWED" in result.stdout, "the clock of the server was put forward"
    told = json.loads(antiphon("server", "doctor", "--json").stdout)
    assert not told["healthy"]
    assert told["findings"][0]["facts"]["flow_run_id"] == run
    assert told["findings"][0]["facts"]["server"] == address_of(running)


def test_a_clock_that_is_wrong(antiphon: Cli, running: RunningServer) -> None:
    running.clock.advance(60)
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (0, ["CLOCK_SKEWED"]), "a warning alone"
    message = json.loads(result.stdout)["findings"][0]["message"]
    assert message.startswith("the clock of this machine is ")
    assert message.endswith(f" s behind that of the server at {address_of(running)}")
    assert antiphon("server", "doctor", "--strict").exit_code == 1
    running.clock.advance(-120)
    assert " s ahead of that of the server " in antiphon("server", "doctor").stdout
    running.clock.advance(60)
    assert antiphon("server", "doctor", "--strict").exit_code == 0


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "the connection was refused: nothing listens there"),
        ("nobody.invalid:4200", "the name 'nobody.invalid' has no address: "),
        ("dns:///nobody.invalid:4200", "the name 'nobody.invalid' has no address: "),
        ("unix:/nowhere/server.sock", "there is no such socket: no server runs there"),
    ],
)
def test_nobody_answers(antiphon: Cli, monkeypatch: pytest.MonkeyPatch, address: str, why: str) -> None:
    address = address or free_address()
    monkeypatch.setenv("ANTIPHON_API_URL", address)
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["SERVER_UNREACHABLE"])
    assert f"no Antiphon server answers at {address}: {why}" in result.stdout


def test_one_of_two_addresses_is_down(antiphon: Cli, running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    down = free_address()
    monkeypatch.setenv("ANTIPHON_API_URL", f"{down},{address_of(running)}")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (0, ["ADDRESS_UNREACHABLE"])
    told = json.loads(result.stdout)
    assert told["findings"][0]["facts"]["address"] == down
    assert [each["server_info"] is None for each in told["servers"]] == [True, False]
    assert "late_runs" in told["checks"], "the other one looked"
    assert antiphon("server", "doctor", "--strict").exit_code == 1


def test_two_servers_that_have_nothing_in_common(
    antiphon: Cli, running: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with RunningServer(folder, listen=LISTEN) as other:
        for mine in (address_of(running), "localhost:" + address_of(running).rpartition(":")[2]):
            monkeypatch.setenv("ANTIPHON_API_URL", f"{address_of(running)},{mine}")
            assert antiphon("server", "doctor", "--json").exit_code == 0, "one server by two names"
        monkeypatch.setenv("ANTIPHON_API_URL", f"{address_of(running)},{address_of(other)}")
        result = antiphon("server", "doctor", "--json")
    databases = {running.server._database.address, other.server._database.address}
    if any(each.startswith("sqlite:") for each in databases):
        assert (result.exit_code, reasons(result)) == (1, ["SERVERS_APART"])


def test_a_web_server(antiphon: Cli, monkeypatch: pytest.MonkeyPatch, hurry: None) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        monkeypatch.setenv("ANTIPHON_API_URL", f"127.0.0.1:{web.server_port}")
        result = antiphon("server", "doctor", "--json")
        web.shutdown()
    assert (result.exit_code, reasons(result)) == (1, ["NOT_AN_ANTIPHON_SERVER"])
    assert "a web server answers there, by HTTP/1" in result.stdout


def test_a_server_of_something_else(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    other = grpc.server(ThreadPoolExecutor(1))
    monkeypatch.setenv("ANTIPHON_API_URL", f"127.0.0.1:{other.add_insecure_port('127.0.0.1:0')}")
    other.start()
    result = antiphon("server", "doctor", "--json")
    other.stop(None).wait()
    assert (result.exit_code, reasons(result)) == (1, ["NOT_AN_ANTIPHON_SERVER"])
    assert "it answers gRPC and does not know this request (UNIMPLEMENTED)" in result.stdout


@contextmanager
def listening(serve: Callable[[socket.socket], Any]) -> Iterator[str]:
    """Somebody who takes connections and does something with each, in a thread of its own."""
    open_lines: list[Any] = []

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            open_lines.append(line)
            threading.Thread(target=serve, args=(line,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    for line in open_lines:
        line.close()


def test_somebody_who_speaks_tls(antiphon: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hurry: None) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path))

    def serve(line: socket.socket) -> None:
        try:
            with context.wrap_socket(line, server_side=True) as safe:
                safe.recv(100)
        except OSError:
            line.close()

    with listening(serve) as address:
        monkeypatch.setenv("ANTIPHON_API_URL", address)
        result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["NOT_AN_ANTIPHON_SERVER"])
    assert "what answers there speaks TLS, which this client does not" in result.stdout


def certificate(folder: Path) -> Path:
    """Of localhost, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    text = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "cert.pem"
    file.write_bytes(text + key.private_bytes(*pem))
    return file


def test_somebody_who_says_nothing(antiphon: Cli, monkeypatch: pytest.MonkeyPatch, hurry: None) -> None:
    with listening(lambda line: None) as address:
        monkeypatch.setenv("ANTIPHON_API_URL", address)
        result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["SERVER_UNREACHABLE"])
    assert "it takes connections and does not answer: it hangs, has too much to do, or" in result.stdout


def test_an_older_server(antiphon: Cli, book: Any) -> None:
    book.info = pb.ServerInfo(version="0.0.1", process_id=1, database="sqlite:////x.db")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (0, ["VERSION_DIFFERS", "DIAGNOSIS_MISSING"])
    assert "pip install antiphon==0.0.1" in result.stdout


def test_a_setting_that_cannot_be_read(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", "ftp://here")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["SETTINGS_INVALID"])
    assert "ANTIPHON_API_URL" in result.stdout
    result = antiphon("server", "doctor")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "Error SETTINGS_INVALID")


def test_a_profile_that_is_not_there(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_PROFILE", "nowhere")
    assert reasons(antiphon("server", "doctor", "--json")) == ["SETTINGS_INVALID"]


def test_a_variable_that_is_misspelt(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_ULR", "host:4200")
    monkeypatch.setenv("ANTIPHON_OF_OURS", "1")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (0, ["SETTING_MISSPELT"])
    assert "Rename ANTIPHON_API_ULR to ANTIPHON_API_URL" in result.stdout


def test_a_profile_that_names_another_server(
    antiphon: Cli, running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTIPHON_API_URL")
    assert antiphon("config", "set", f"ANTIPHON_API_URL={address_of(running)}").exit_code == 0
    assert antiphon("server", "doctor", "--strict").exit_code == 0
    monkeypatch.setenv("ANTIPHON_API_URL", f"unix:{running.socket}")
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (0, ["PROFILE_OVERRIDDEN"])
    assert f"has ANTIPHON_API_URL={address_of(running)}, and " in result.stdout


def test_folders_that_cannot_be_written_to(antiphon: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ANTIPHON_RESULTS_LOCAL_STORAGE_PATH", str(tmp_path / "file" / "results"))
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, reasons(result)) == (1, ["FOLDER_NOT_WRITABLE"])
    assert "ANTIPHON_RESULTS_LOCAL_STORAGE_PATH" in result.stdout
    assert str(tmp_path / "file" / "results") in result.stdout


def test_folders_without_room(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "_NO_ROOM", 1 << 80)
    result = antiphon("server", "doctor", "--json")
    assert (result.exit_code, set(reasons(result))) == (1, {"FOLDER_FULL"})


def test_the_help_says_how_it_ends() -> None:
    assert "warnings alone exit with 0, unless --strict" in " ".join((doctor.__doc__ or "").split())
