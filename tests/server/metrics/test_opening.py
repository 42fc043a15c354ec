"""Where metrics are served, and what is said where they cannot be."""

import subprocess
import sys
from pathlib import Path

import pytest

from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.metrics.opening import metrics_address, open_exporter
from server_process import ServerProcess


@pytest.mark.parametrize(
    ("given", "address"),
    [("9090", "127.0.0.1:9090"), ("0", "127.0.0.1:0"), ("0.0.0.0:1", "0.0.0.0:1"), ("[::1]:65535", "[::1]:65535")],
)
def test_a_port_alone_is_one_of_this_machine(given: str, address: str) -> None:
    assert metrics_address(given) == address


@pytest.mark.parametrize("given", ["", "x", "host", "host:", ":9090", "host:65536", "host:x", "-1", "\u0661"])
def test_what_is_no_address_is_told(given: str) -> None:
    with pytest.raises(ValueError, match="is neither PORT nor HOST:PORT, such as"):
        metrics_address(given)


def test_without_the_extra_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(FailedPrecondition, match=r"pip install 'antiphon\[metrics\]'") as raised:
        open_exporter("127.0.0.1:1")
    assert raised.value.reason == "METRICS_MISSING"


def test_a_server_process_serves_them_where_it_is_told(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--metrics", "0")
    try:
        server.serving()
        server.end()
        (line,) = [line for line in server.output().splitlines() if "metrics at" in line]
        assert "http://127.0.0.1:" in line
    finally:
        server.close()


def test_a_server_process_refuses_what_is_no_address(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--metrics", "nowhere")
    try:
        assert server.wait() == 2
        assert "argument --metrics: 'nowhere' is neither PORT nor HOST:PORT" in server.output()
    finally:
        server.close()


def test_the_library_is_not_loaded_where_metrics_are_not_asked_for() -> None:
    code = "import sys, antiphon_server.__main__; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
