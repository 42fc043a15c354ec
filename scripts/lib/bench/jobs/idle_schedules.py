"""What a server takes that has scheduled deployments and nothing to run:
`python -m bench.jobs.idle_schedules TARGET PID DEPLOYMENTS SECONDS`."""

import json
import sys
import time
from pathlib import Path

from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import CreateDeploymentRequest
from antiphon.v1.schedule_pb2 import CronRule, Schedule


def cpu_seconds(pid: int) -> float:
    """Of all threads of a process, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def main(target: str, pid: int, count: int, seconds: float) -> dict[str, float]:
    with ServiceClient(target) as client:
        for number in range(count):
            schedule = Schedule(cron=CronRule(expression=f"{number % 60} * * * *"))
            made = Deployment(name=f"deployment-{number}", flow_name="flow", schedules=[schedule])
            client.call(client.deployments.CreateDeployment, CreateDeploymentRequest(deployment=made))
        begin, cpu = time.perf_counter(), cpu_seconds(pid)
        time.sleep(seconds)
        used = cpu_seconds(pid) - cpu
        return {"percent": used / (time.perf_counter() - begin) * 100}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))))
