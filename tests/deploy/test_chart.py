"""deploy/helm/antiphon: helm takes it, and what it renders starts our programs as they are meant to be started."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from antiphon_server.server import GRACE, GRACE_OF_OTHERS
from shipped import DEPLOY, check_command, check_variables, go_tool

CHART = DEPLOY / "helm" / "antiphon"
GIVEN = ("database.existingSecret=postgresql", "encryptionKey.existingSecret=keys")
TRIAL = ("postgresql.enabled=true", "postgresql.password=hush", "encryptionKey.value=key")
Manifest = dict[str, Any]


def helm(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([go_tool("helm"), *words], capture_output=True, text=True)


def given(values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in ("--set", value)]


def template(*values: str) -> "subprocess.CompletedProcess[str]":
    return helm("template", "shop", str(CHART), "--kube-version", "1.31.0", *given(values))


def render(*values: str) -> dict[tuple[str, str], Manifest]:
    """The manifests, by kind and name."""
    done = template(*values)
    assert done.returncode == 0, done.stderr
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture(scope="module")
def usual() -> dict[tuple[str, str], Manifest]:
    return render(*GIVEN)


def pods(manifests: dict[tuple[str, str], Manifest]) -> Iterator[Manifest]:
    for (kind, _), manifest in manifests.items():
        if kind in ("Deployment", "StatefulSet"):
            yield manifest["spec"]["template"]["spec"]


def server_of(manifests: dict[tuple[str, str], Manifest]) -> Manifest:
    pod: Manifest = manifests["Deployment", "shop-antiphon-server"]["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("values", [GIVEN, TRIAL])
def test_helm_finds_nothing_wrong(values: tuple[str, ...]) -> None:
    done = helm("lint", "--strict", str(CHART), "--kube-version", "1.31.0", *given(values))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_there_is(usual: dict[tuple[str, str], Manifest]) -> None:
    assert set(usual) == {
        ("ConfigMap", "shop-antiphon"),
        ("Service", "shop-antiphon"),
        ("Service", "shop-antiphon-servers"),
        ("Deployment", "shop-antiphon-server"),
        ("Deployment", "shop-antiphon-worker-default"),
        ("PodDisruptionBudget", "shop-antiphon-server"),
    }
    assert usual["Deployment", "shop-antiphon-server"]["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (GIVEN[1:], "servers need a PostgreSQL: set database.existingSecret, database.url, or postgresql.enabled"),
        (GIVEN[:1], "servers need one key for secrets: set encryptionKey.existingSecret, or encryptionKey.value"),
        ((*GIVEN, "database.url=postgresql://a@b/c"), "set only one of database.existingSecret and database.url"),
        ((*GIVEN, "encryptionKey.value=key"), "set only one of encryptionKey.existingSecret and encryptionKey.value"),
        ((GIVEN[1], "database.url=mysql://a@b/c"), "does not match pattern"),
        (
            (*GIVEN, "leaseStorage.existingSecret=a", "leaseStorage.url=redis://a"),
            "set only one of leaseStorage.existingSecret and leaseStorage.url",
        ),
        ((*GIVEN, "leaseStorage.url=http://a"), "does not match pattern"),
        ((*GIVEN, "server.replicas=0"), "server/replicas"),
        ((*GIVEN, "server.logLevel=LOUD"), "must be one of"),
        ((*GIVEN, "server.preStopSeconds=35"), "must be at least 10 s more than server.preStopSeconds"),
        ((*GIVEN, "metrics.serviceMonitor.enabled=true"), "metrics.serviceMonitor.enabled needs metrics.enabled"),
        ((GIVEN[1], "postgresql.enabled=true"), "set postgresql.password"),
        ((*TRIAL, "postgresql.password=a@b"), "does not match pattern"),
    ],
)
def test_values_that_cannot_be_are_refused(values: tuple[str, ...], says: str) -> None:
    done = template(*values)
    assert done.returncode != 0
    assert says in done.stderr, done.stderr


@pytest.mark.parametrize(
    "values",
    [
        GIVEN,
        TRIAL,
        (*GIVEN, "server.keepRuns=30", "server.keepLogs=7", "workers.default.limit=4", "metrics.enabled=true"),
        (*GIVEN, "leaseStorage.existingSecret=redis"),
        (*GIVEN, "leaseStorage.url=redis://redis:6379/0"),
    ],
)
def test_commands_and_variables_are_those_of_our_programs(values: tuple[str, ...]) -> None:
    manifests = render(*values)
    for pod in pods(manifests):
        for container in pod["containers"]:
            assert "command" not in container
            if container["name"] != "postgresql":
                check_command(container["args"])
            check_variables(variable["name"] for variable in container["env"])
    check_variables(manifests["ConfigMap", "shop-antiphon"]["data"])


def test_days_of_keeping_come_as_they_are_given() -> None:
    args = server_of(render(*GIVEN, "server.keepRuns=0", "server.keepLogs=7"))["containers"][0]["args"]
    assert args[args.index("--keep-runs") :] == ["--keep-runs", "0", "--keep-logs", "7"]


def test_what_is_secret_is_in_secrets(usual: dict[tuple[str, str], Manifest]) -> None:
    variables = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in server_of(usual)["containers"][0]["env"]}
    assert variables == {
        "ANTIPHON_SERVER_DATABASE_URL": {"name": "postgresql", "key": "url"},
        "ANTIPHON_SERVER_ENCRYPTION_KEY": {"name": "keys", "key": "key"},
    }
    trial = render(*TRIAL, "leaseStorage.url=redis://:hush@redis:6379/0")
    assert trial["Secret", "shop-antiphon"]["stringData"] == {
        "lease-storage-url": "redis://:hush@redis:6379/0",
        "database-url": "postgresql://antiphon:hush@shop-antiphon-postgresql:5432/antiphon",
        "encryption-key": "key",
        "postgresql-password": "hush",
    }
    others = [each for (kind, _), each in trial.items() if kind != "Secret"]
    assert "hush" not in yaml.safe_dump_all(others)
    for variable in server_of(trial)["containers"][0]["env"]:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert reference["key"] in trial["Secret", reference["name"]]["stringData"]


def test_servers_are_asked_by_grpc_whether_they_serve(usual: dict[tuple[str, str], Manifest]) -> None:
    container = server_of(usual)["containers"][0]
    (port,) = container["ports"]
    assert container["args"][container["args"].index("--port") + 1] == str(port["containerPort"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"] == {"port": port["containerPort"]}
    # An upgrade has minutes, and a server that is busy is not killed at once.
    startup, liveness = container["startupProbe"], container["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60


def test_a_server_has_the_time_that_its_goodbye_takes(usual: dict[tuple[str, str], Manifest]) -> None:
    pod = server_of(usual)
    sleep, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(seconds) + 2 * (GRACE + GRACE_OF_OTHERS)
    strategy = usual["Deployment", "shop-antiphon-server"]["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize("values", [GIVEN, TRIAL])
def test_nothing_may_do_more_than_it_must(values: tuple[str, ...]) -> None:
    for pod in pods(render(*values)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] != 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        # A service called antiphon must not become a setting of ours.
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["name"] == "postgresql" or security["readOnlyRootFilesystem"] is True
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


def test_selectors_find_what_they_mean(usual: dict[tuple[str, str], Manifest]) -> None:
    labels = {
        name: manifest["spec"]["template"]["metadata"]["labels"]
        for (kind, name), manifest in usual.items()
        if kind == "Deployment"
    }
    selectors = [manifest["spec"]["selector"] for (kind, _), manifest in usual.items() if kind == "Service"]
    selectors.append(usual["PodDisruptionBudget", "shop-antiphon-server"]["spec"]["selector"]["matchLabels"])
    for selector in selectors:
        found = {name for name, has in labels.items() if selector.items() <= has.items()}
        assert found == {"shop-antiphon-server"}
    for name, has in labels.items():
        assert usual["Deployment", name]["spec"]["selector"]["matchLabels"] == has


def test_workers_reach_each_server_by_a_name_that_has_all_addresses(usual: dict[tuple[str, str], Manifest]) -> None:
    host, port = usual["ConfigMap", "shop-antiphon"]["data"]["ANTIPHON_API_URL"].split(":")
    service = usual["Service", host]["spec"]
    assert service["clusterIP"] == "None"
    assert [each["port"] for each in service["ports"]] == [int(port)]
    worker = usual["Deployment", "shop-antiphon-worker-default"]["spec"]["template"]["spec"]["containers"][0]
    assert worker["envFrom"] == [{"configMapRef": {"name": "shop-antiphon"}}]


def test_one_server_needs_no_budget_which_would_keep_its_machine() -> None:
    assert ("PodDisruptionBudget", "shop-antiphon-server") not in render(*GIVEN, "server.replicas=1")


def test_metrics_are_scraped_where_somebody_wants_them() -> None:
    manifests = render(*GIVEN, "metrics.enabled=true", "metrics.serviceMonitor.enabled=true")
    monitor = manifests["ServiceMonitor", "shop-antiphon"]["spec"]
    service = manifests["Service", "shop-antiphon"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    container = server_of(manifests)["containers"][0]
    assert container["args"][-2:] == ["--metrics", "0.0.0.0:9464"]
    assert {"name": "metrics", "containerPort": 9464} in container["ports"]
    # Only one of the services: no server twice.
    assert "app.kubernetes.io/component" in monitor["selector"]["matchLabels"]


def test_servers_begin_anew_where_their_secret_changes() -> None:
    def checksum(*values: str) -> str:
        deployment = render(*values)["Deployment", "shop-antiphon-server"]
        found: str = deployment["spec"]["template"]["metadata"]["annotations"]["checksum/secret"]
        return found

    assert checksum(*TRIAL) == checksum(*TRIAL)
    assert checksum(*TRIAL) != checksum(*TRIAL[:-1], "encryptionKey.value=other")
