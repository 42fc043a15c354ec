"""A server makes spans where the environment names a collector."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon_server.tracing.opening import provider_of
from server_process import ServerProcess

NOWHERE = "http://127.0.0.1:1"


def test_without_a_collector_nothing_is_loaded() -> None:
    assert provider_of({}) is None
    assert provider_of({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) is None
    code = "import sys, antiphon_server.__main__; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_it_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "antiphon_server.tracing.provider", raising=False)
    # Whatever of it other tests have loaded.
    for name in ["opentelemetry", *(each for each in sys.modules if each.startswith("opentelemetry."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with caplog.at_level(logging.WARNING, "antiphon_server"):
        assert provider_of({"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}) is None
    assert f"no traces are sent to {NOWHERE}" in caplog.text
    assert "pip install 'antiphon[otel]'" in caplog.text


@pytest.mark.parametrize(
    ("environment", "name"), [({}, "antiphon-server"), ({"OTEL_SERVICE_NAME": "flows"}, "flows")], ids=["own", "given"]
)
def test_its_service_has_a_name(environment: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    provider = provider_of({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": NOWHERE, **environment})
    assert provider.resource.attributes["service.name"] == name
    provider.close()


def test_a_collector_that_is_gone_does_not_keep_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)
    server = ServerProcess(tmp_path)
    try:
        server.serving()
        assert server.end() == 0
        assert f"traces go to {NOWHERE}" in server.output()
    finally:
        server.close()
