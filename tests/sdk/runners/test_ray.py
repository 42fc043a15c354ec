"""What is particular to Ray."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.runners import on_ray
from stored import Stored
from tools_needed import need_extra


@pytest.fixture(autouse=True)
def ray() -> Any:
    need_extra("ray", "ray")
    return importlib.import_module("antiphon_ray")


def test_options_of_ray(ray: Any, on_ray: Any, stored: Stored) -> None:
    """They nest, and hold for what is submitted inside."""

    @task
    def look() -> Any:
        return importlib.import_module("ray").get_runtime_context().get_assigned_resources()

    @flow(task_runner=on_ray())
    def around() -> Any:
        with ray.remote_options(num_cpus=2):
            both = look.submit()
            with ray.remote_options(memory=1_000_000):
                inner = look.submit()
        return both.result(), inner.result(), look.submit().result()

    both, inner, outside = around()
    assert both["CPU"] == 2
    assert inner["CPU"] == 2
    assert "memory" in inner
    assert outside["CPU"] == 1


def test_options_end_with_their_block(ray: Any) -> None:
    with ray.remote_options(num_cpus=4):
        with ray.remote_options(num_cpus=2, num_gpus=1):
            assert on_ray._remote_options.get() == {"num_cpus": 2, "num_gpus": 1}
        assert on_ray._remote_options.get() == {"num_cpus": 4}
    assert on_ray._remote_options.get() == {}


#: An instance of its own.
SCRIPT = """
import ray
from antiphon import flow, task
from antiphon_ray.task_runners import RayTaskRunner

@task
def double(x):
    return x * 2

options = {"num_cpus": 2, "include_dashboard": False, "log_to_driver": False}

@flow(task_runner=RayTaskRunner("local", init_kwargs=options))
def around():
    return double.map([1, 2])

print(around(), ray.is_initialized())
"""


def test_an_instance_for_the_flow_run(stored: Stored, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "ANTIPHON_API_URL": stored.client.target, "ANTIPHON_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=110)
    assert done.stdout.strip().endswith("[2, 4] False"), done.stderr
