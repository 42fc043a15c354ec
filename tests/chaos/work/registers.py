"""Runs as registers: several threads of several processes read them and compare and set their state, and note when each
operation began and when it was answered. Who is not answered never notes an end.

All processes make up the same ids, so nobody has to tell anybody which run is a register now.
"""

import os
import threading
import time
import uuid
from random import Random
from typing import Any

from antiphon.exceptions import AntiphonException
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CreateFlowRunRequest, GetFlowRunRequest
from antiphon.v1.state_pb2 import STATE_TYPE_SCHEDULED, State
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT, Proposal
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest
from chaos.journal import monotonic
from chaos.names import REGISTER, SEED
from chaos.work.noting import note_proposal, note_verdict
from chaos.work.program import chance, journal, stopping

THREADS = 2
#: Registers at a time, and for how many seconds: a history that is checked must not be too long.
REGISTERS, GENERATION = 2, 4


def register_ids(seed: str, moment: float) -> list[str]:
    """Of the registers in use at a moment."""
    generation = int(moment // GENERATION)
    return [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed} {generation} {number}")) for number in range(REGISTERS)]


def play() -> None:
    seeds = [chance.random() for _ in range(THREADS)]
    threads = [threading.Thread(target=_play, args=(Random(seed),)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _play(chance: Random) -> None:
    seen: dict[str, str] = {}
    with ServiceClient() as client:
        while not stopping.wait(chance.uniform(0.005, 0.06)):
            ids = register_ids(os.environ[SEED], time.clock_gettime(time.CLOCK_MONOTONIC))
            id = chance.choice(ids)
            try:
                if id not in seen:
                    run = FlowRun(id=id, flow_name="register", name="register", tags=[REGISTER])
                    client.call(client.flow_runs.CreateFlowRun, CreateFlowRunRequest(flow_run=run))
                    seen = {known: state for known, state in seen.items() if known in ids} | {id: ""}
                elif chance.random() < 0.5:
                    seen[id] = _read(client, id)
                else:
                    seen[id] = _set(client, id, seen[id])
            except AntiphonException as error:
                journal.note("failed", of="register", error=type(error).__name__, text=str(error)[:200])
                stopping.wait(0.3)  # Histories with many operations that were never answered are hard to check.


def _read(client: ServiceClient, id: str) -> str:
    began = monotonic()
    state: str = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=id)).flow_run.state.id
    journal.note("read", run=id, began=began, state=state)
    return state


def _set(client: ServiceClient, id: str, expected: str) -> str:
    """`expected` empty sets in any case."""
    proposal = Proposal(transition_id=new_id(), flow_run_id=id, expected_state_id=expected)
    proposal.state.CopyFrom(State(type=STATE_TYPE_SCHEDULED))
    operation: dict[str, Any] = {"run": id, "id": proposal.transition_id, "expected": expected}
    began = monotonic()
    journal.note("sets", at=began, **operation)
    note_proposal(proposal)
    verdict = client.call(
        client.transitions.ProposeTransition, ProposeTransitionRequest(proposal=proposal), timeout=20
    ).verdict
    held: str = verdict.state.id
    journal.note("set", began=began, held=held, accepted=verdict.kind == VERDICT_KIND_ACCEPT, **operation)
    note_verdict(verdict)
    return held
