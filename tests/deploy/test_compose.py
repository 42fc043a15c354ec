"""deploy/compose.yaml: the specification takes it, and what it starts is ours."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipped import DEPLOY, check_command, check_variables, go_tool

COMPOSE = DEPLOY / "compose.yaml"


def load(file: Path) -> "subprocess.CompletedProcess[str]":
    """By the specification's own implementation, which checks schema and references."""
    command = [go_tool("compose-go"), "-no-interpolation", "-format", "json", str(file)]
    return subprocess.run(command, capture_output=True, text=True, cwd=DEPLOY)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = load(COMPOSE)
    assert done.returncode == 0, done.stderr + done.stdout
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


@pytest.mark.parametrize(("right", "wrong"), [("restart:", "restrt:"), ("service_healthy", "service_wealthy")])
def test_a_mistake_would_be_seen(tmp_path: Path, right: str, wrong: str) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE.read_text().replace(right, wrong, 1))
    done = load(tmp_path / "compose.yaml")
    assert done.returncode != 0
    assert "validating" in done.stdout + done.stderr


def test_two_servers_are_on_one_database_and_have_one_key(services: dict[str, Any]) -> None:
    one, other = services["server-1"], services["server-2"]
    assert one["environment"] == other["environment"]
    assert one["environment"]["ANTIPHON_SERVER_DATABASE_URL"].startswith("postgresql://antiphon:${POSTGRES_PASSWORD:?")
    assert one["environment"]["ANTIPHON_SERVER_DATABASE_URL"].endswith("@postgres:5432/antiphon")
    ports = [(port["host_ip"], port["published"], port["target"]) for each in (one, other) for port in each["ports"]]
    assert ports == [("127.0.0.1", "4201", 4200), ("127.0.0.1", "4202", 4200)]
    for each in (one, other):
        assert each["depends_on"] == {"postgres": {"condition": "service_healthy", "required": True}}


def test_the_database_outlives_its_container(services: dict[str, Any]) -> None:
    (volume,) = services["postgres"]["volumes"]
    assert (volume["type"], volume["source"], volume["target"]) == ("volume", "database", "/var/lib/postgresql/data")
    assert volume["source"] in yaml.safe_load(COMPOSE.read_text())["volumes"]
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"


def test_the_worker_reaches_both_servers(services: dict[str, Any]) -> None:
    host, port = services["worker"]["environment"]["ANTIPHON_API_URL"].split(":")
    for server in ("server-1", "server-2"):
        assert host in services[server]["networks"]["default"]["aliases"]
        assert int(port) == services[server]["ports"][0]["target"]


def test_all_of_ours_are_of_one_image_and_stop_as_they_should(services: dict[str, Any]) -> None:
    for name in ("server-1", "server-2", "worker"):
        each = services[name]
        assert (each["build"]["dockerfile"], each["init"]) == ("deploy/Containerfile", True)
        assert each["restart"] == "unless-stopped"
    assert (DEPLOY.parent / services["worker"]["build"]["dockerfile"]).is_file()


def test_commands_and_variables_are_those_of_our_programs(services: dict[str, Any]) -> None:
    for service in services.values():
        check_variables(service.get("environment", {}))
    check_command(services["worker"]["command"])
    for name in ("server-1", "server-2"):
        _, program, *words = services[name]["healthcheck"]["test"]
        assert program == "antiphon"
        check_command(words)


def test_nothing_is_taken_from_another_host_than_the_usual_one() -> None:
    images = {service["image"] for service in yaml.safe_load(COMPOSE.read_text())["services"].values()}
    assert images == {"antiphon", "postgres:17"}
