"""A program that runs flows and is told to end by SIGTERM, in a process of its own since it dies of that.

The argument says what it does. It prints the flow run's id once it may be told, and `over` if it gets to its end.
"""

import asyncio
import ctypes
import operator
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import Any

from antiphon import flow, runtime, task
from antiphon.engine import termination
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import CancelFlowRunRequest

LONG = 60.0


def ready() -> None:
    print(runtime.flow_run.root_flow_run_id, flush=True)


@task
def sleep() -> None:
    ready()
    time.sleep(LONG)


@task
async def asleep() -> None:
    ready()
    await asyncio.sleep(LONG)


@task
def sleep_elsewhere(started: threading.Event) -> None:
    started.set()
    time.sleep(LONG)


@flow
def child() -> None:
    sleep()


@flow
def sync() -> None:
    child()


@flow
async def coroutine() -> None:
    await asyncio.gather(asleep(), asyncio.sleep(LONG))


@flow
def waits_for_a_result() -> None:
    started = threading.Event()
    future = sleep_elsewhere.submit(started)
    started.wait()
    ready()
    future.result()


@flow
def waits_for_what_it_submitted() -> None:
    started = threading.Event()
    sleep_elsewhere.submit(started)
    started.wait()
    threading.Timer(0.1, print, (runtime.flow_run.id,), {"flush": True}).start()


@flow
def swallows() -> str:
    try:
        sleep()
    except BaseException:  # noqa: BLE001 - as careless code does
        return "no matter"
    return "slept"


async def two() -> None:
    """The other one is stopped too."""
    begun = asyncio.Event()

    @flow
    async def first() -> None:
        begun.set()
        await asyncio.sleep(LONG)

    @flow
    async def second() -> None:
        await begun.wait()
        await asleep()

    await asyncio.gather(first(), second())


@flow
def has_its_own_handler() -> None:
    def handle(number: int, frame: Any) -> None:
        raise ValueError("mine")

    signal.signal(signal.SIGTERM, handle)
    sleep()


@flow
def forks() -> None:
    """Its child ends by the signal like any process, and leaves the parent's run alone."""
    pid = os.fork()
    if pid == 0:
        time.sleep(LONG)
        os._exit(0)
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    if os.fork() == 0:
        return
    os.wait()
    sleep()


def in_a_hook() -> None:
    def hook(*_: object) -> None:
        ready()
        time.sleep(LONG)

    flow(on_running=[hook])(lambda: None)()


@flow
def after_a_cancel() -> None:
    """Cancelled while it waits for what no interrupt can reach."""
    started = threading.Event()
    sleep_elsewhere.submit(started)
    started.wait()
    try:
        with ServiceClient() as client:
            client.call(client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=runtime.flow_run.id or ""))
        time.sleep(LONG)
    finally:
        ready()


def stubborn() -> None:
    """Its hook takes long."""

    def hook(*_: object) -> None:
        print("hook", flush=True)
        time.sleep(LONG)

    termination.ONE_WORD = 0.0
    flow(on_crashed=[hook])(sleep.fn)()


def killed_as_it_blocks() -> None:
    """The signal is there when time.sleep begins, and Python has not called its handler yet."""
    kill = partial(ctypes.CDLL(None).kill, os.getpid(), signal.SIGTERM)
    list(map(operator.call, (kill, partial(time.sleep, LONG))))


@flow
def just_before_a_blocking_call() -> None:
    ready()
    killed_as_it_blocks()


def stubborn_just_before_a_blocking_call() -> None:
    termination.ONE_WORD = 0.0
    flow(on_crashed=[lambda *_: killed_as_it_blocks()])(sleep.fn)()


def in_a_thread() -> None:
    thread = threading.Thread(target=sync)
    thread.start()
    thread.join()


def afterwards() -> None:
    """Between flows the signal has no handler."""
    flow(lambda: None)()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    print("none", flush=True)
    time.sleep(LONG)


WAYS = {
    "sync": sync,
    "async": lambda: asyncio.run(coroutine()),
    "waits_for_a_result": waits_for_a_result,
    "waits_for_what_it_submitted": waits_for_what_it_submitted,
    "swallows": swallows,
    "two": lambda: asyncio.run(two()),
    "has_its_own_handler": has_its_own_handler,
    "forks": forks,
    "in_a_hook": in_a_hook,
    "after_a_cancel": after_a_cancel,
    "stubborn": stubborn,
    "just_before_a_blocking_call": just_before_a_blocking_call,
    "stubborn_just_before_a_blocking_call": stubborn_just_before_a_blocking_call,
    "in_a_thread": in_a_thread,
    "afterwards": afterwards,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
    print("over", flush=True)
