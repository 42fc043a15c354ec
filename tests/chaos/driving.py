"""Does what the plan says, mends it in time, and keeps account of what was done."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from chaos.faults import Fault, Kind
from chaos.hands import Hands
from chaos.journal import monotonic
from chaos.process import Process
from chaos.replica import Replica
from chaos.scene import Scene
from tcp_proxy import TcpProxy

#: Seconds for all that was harmed to be whole again.
MENDING = 120.0


@dataclass(slots=True)
class Done:
    """A fault that was done: when it began and when it was mended, by the clock of the journals."""

    fault: Fault
    began: int
    mended: int = 0


@dataclass(slots=True)
class Account:
    """What was done to whom."""

    done: list[Done] = field(default_factory=list)
    #: Connections that were broken by cuts.
    broken: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    #: Replicas that were told to end and did not end well.
    bad_ends: list[str] = field(default_factory=list)
    #: What ended though nobody had ended it, by name.
    deaths: Counter[str] = field(default_factory=Counter)


class Driver:
    """Plays one plan on one scene."""

    def __init__(self, scene: Scene, tell: Callable[[str], None]) -> None:
        self._scene = scene
        self._tell = tell
        self._hands = Hands()
        self.account = Account()

    def drive(self, plan: Sequence[Fault], seconds: float) -> None:
        """Returns after so many seconds, and when everything is mended."""
        start = time.monotonic()
        agenda = list(reversed(plan))
        while (now := time.monotonic() - start) < seconds and self._hands.error is None:
            while agenda and agenda[-1].at <= now:
                self._begin(agenda.pop())
            self._look_after()
            due = agenda[-1].at if agenda else seconds
            time.sleep(max(min(due, seconds, now + 0.25) - (time.monotonic() - start), 0.001))
        self.mend()

    def mend(self) -> None:
        """Waits until each fault is over, and whoever ended is back."""
        self._hands.idle(MENDING)
        for link in (*self._scene.stores, *(each for line in self._scene.links for each in line)):
            link.heal()
        self._look_after()
        self._hands.idle(MENDING)

    # Inside

    def _begin(self, fault: Fault) -> None:
        self._tell(str(fault))
        owner, _ = _ACTIONS[fault.kind]
        self._hands.do(f"{owner} {fault.target} {fault.other}", lambda: self._do(fault))

    def _do(self, fault: Fault) -> None:
        done = Done(fault, monotonic())
        self.account.done.append(done)
        _ACTIONS[fault.kind][1](self, fault)
        done.mended = monotonic()

    def _look_after(self) -> None:
        """Starts again what ended by itself: that is no fault of the plan."""
        for number, process in enumerate(self._scene.processes):
            if not process.alive and not self._hands.busy(owner := f"process {number} 0"):
                self._hands.do(owner, partial(self._begin_again, process))
        for replica in self._scene.replicas:
            if not replica.alive and not self._hands.busy(owner := f"replica {replica.number} 0"):
                self._hands.do(owner, partial(self._bring_back, replica))

    def _begin_again(self, process: Process) -> None:
        if not process.alive:
            self.account.deaths[process.name] += 1
            process.start()

    def _bring_back(self, replica: Replica) -> None:
        if not replica.alive:
            self.account.deaths[f"replica {replica.number}"] += 1
            replica.up()

    # Actions, each until it is mended

    def kill_replica(self, fault: Fault) -> None:
        self.account.kills["replica"] += 1
        self._scene.replicas[fault.target].end(signal.SIGKILL)
        time.sleep(fault.lasts)
        self._scene.replicas[fault.target].up()

    def stop_replica(self, fault: Fault) -> None:
        replica = self._scene.replicas[fault.target]
        replica.send(signal.SIGSTOP)
        time.sleep(fault.lasts)
        replica.send(signal.SIGCONT)

    def end_replica(self, fault: Fault) -> None:
        replica = self._scene.replicas[fault.target]
        code = replica.end(signal.SIGTERM)
        if code != 0:
            self.account.bad_ends.append(f"replica {fault.target} ended with {code} at {fault.at} s")
        time.sleep(fault.lasts)
        replica.up()

    def roll(self, fault: Fault) -> None:
        for number in range(self._scene.shape.replicas):
            one = Fault(fault.at, Kind.END_REPLICA, number)
            self._hands.do_and_wait(f"replica {number} 0", partial(self.end_replica, one))

    def kill_process(self, fault: Fault) -> None:
        self.account.kills["process"] += 1
        self._restart(fault, signal.SIGKILL)

    def end_process(self, fault: Fault) -> None:
        self._restart(fault, signal.SIGTERM)

    def _restart(self, fault: Fault, how: signal.Signals) -> None:
        process = self._scene.processes[fault.target]
        process.end(how)
        time.sleep(fault.lasts)
        process.start()

    def stop_process(self, fault: Fault) -> None:
        process = self._scene.processes[fault.target]
        process.send(signal.SIGSTOP)
        time.sleep(fault.lasts)
        process.send(signal.SIGCONT)

    def cut_link(self, fault: Fault) -> None:
        self.account.broken += self._link(fault).cut()

    def cut_replica(self, fault: Fault) -> None:
        self.account.broken += sum(line[fault.target].cut() for line in self._scene.links)

    def hole_link(self, fault: Fault) -> None:
        _for_a_while(self._link(fault), TcpProxy.black_hole, fault)

    def delay_link(self, fault: Fault) -> None:
        _for_a_while(self._link(fault), lambda proxy: proxy.delay(fault.amount), fault)

    def refuse_link(self, fault: Fault) -> None:
        def refuse(proxy: TcpProxy) -> None:
            proxy.refuse()
            self.account.broken += proxy.cut()

        _for_a_while(self._link(fault), refuse, fault)

    def cut_store(self, fault: Fault) -> None:
        self.account.broken += self._scene.stores[fault.target].cut()

    def hole_store(self, fault: Fault) -> None:
        _for_a_while(self._scene.stores[fault.target], TcpProxy.black_hole, fault)

    def delay_store(self, fault: Fault) -> None:
        """A tenth of what a link is delayed by: a transaction is several ways to and fro."""
        _for_a_while(self._scene.stores[fault.target], lambda proxy: proxy.delay(fault.amount / 10), fault)

    def kill_database(self, fault: Fault) -> None:
        self.account.kills["database"] += 1
        self._scene.database.kill()
        time.sleep(fault.lasts)
        self._scene.database.revive()

    def stop_database(self, fault: Fault) -> None:
        self._scene.database.freeze()
        time.sleep(fault.lasts)
        self._scene.database.thaw()

    def _link(self, fault: Fault) -> TcpProxy:
        return self._scene.links[fault.target][fault.other]


def _for_a_while(proxy: TcpProxy, harm: Callable[[TcpProxy], object], fault: Fault) -> None:
    harm(proxy)
    time.sleep(fault.lasts)
    proxy.heal()


#: kind -> (what it is done to, how). Cuts have hands of their own: they may come in the middle of anything.
_ACTIONS: dict[Kind, tuple[str, Callable[[Driver, Fault], None]]] = {
    Kind.KILL_REPLICA: ("replica", Driver.kill_replica),
    Kind.STOP_REPLICA: ("replica", Driver.stop_replica),
    Kind.END_REPLICA: ("replica", Driver.end_replica),
    Kind.ROLL: ("roll", Driver.roll),
    Kind.KILL_PROCESS: ("process", Driver.kill_process),
    Kind.STOP_PROCESS: ("process", Driver.stop_process),
    Kind.END_PROCESS: ("process", Driver.end_process),
    Kind.CUT_LINK: ("cut", Driver.cut_link),
    Kind.CUT_REPLICA: ("cut", Driver.cut_replica),
    Kind.HOLE_LINK: ("link", Driver.hole_link),
    Kind.DELAY_LINK: ("link", Driver.delay_link),
    Kind.REFUSE_LINK: ("link", Driver.refuse_link),
    Kind.CUT_STORE: ("store-cut", Driver.cut_store),
    Kind.HOLE_STORE: ("store", Driver.hole_store),
    Kind.DELAY_STORE: ("store", Driver.delay_store),
    Kind.KILL_DATABASE: ("database", Driver.kill_database),
    Kind.STOP_DATABASE: ("database", Driver.stop_database),
}
