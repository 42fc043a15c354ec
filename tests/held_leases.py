"""A lease that somebody holds and renews in the background, and what its holder was promised."""

import threading
import time
from typing import Any

import grpc

from antiphon.v1 import concurrency_limit_service_pb2 as pb
from refusals import refused
from world import World

#: Seconds. A machine whose disk stalls for longer than a duration ends the lease, rightly.
DURATION, OFTEN = 5.0, 0.5


class Holder:
    """Takes the one slot of `db` and, from `keep` to `leave`, renews it at each of some servers in turn. `promised` is
    the latest time that it was told."""

    def __init__(self, *worlds: World, duration: float = DURATION, often: float = OFTEN) -> None:
        self._worlds = worlds
        self._often = often
        asked = {"names": ["db"], "leaseDuration": f"{duration:.6f}s", "holder": "holder"}
        lease = worlds[0].call("AcquireSlots", asked).lease
        self.id = str(lease.id)
        self.promised = _seconds(lease)
        self.renewals = 0
        #: Of the slowest renewal.
        self.slowest = 0.0
        self._gone = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._renew_on, daemon=True)

    def go_to(self, *worlds: World) -> None:
        """Renews at other servers from now on."""
        self._worlds = worlds

    def renew(self, place: int = 0, **fields: Any) -> float:
        """Once. Gives the time that it was told."""
        lease = self._worlds[place % len(self._worlds)].call("RenewSlots", {"leaseId": self.id, **fields}).lease
        self.promised = max(self.promised, _seconds(lease))
        return _seconds(lease)

    def refusal(self, place: int = 0) -> tuple[grpc.StatusCode, str]:
        """Of a renewal."""
        refusal = refused(lambda: self.renew(place))
        return refusal.code, refusal.reason

    def keep(self) -> "Holder":
        self._thread.start()
        return self

    def kept_until(self, renewals: int, patience: float = 60.0) -> None:
        """Returns once so many more renewals have been answered."""
        wanted, end = self.renewals + renewals, time.monotonic() + patience
        while self.renewals < wanted:
            self._check()
            assert time.monotonic() < end, f"{self.renewals} renewals of {wanted}"
            time.sleep(0.01)

    def leave(self) -> None:
        """Renews no more, and says nobody of it. Raises what a renewal did."""
        self._gone.set()
        self._thread.join(30)
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _renew_on(self) -> None:
        try:
            while not self._gone.wait(self._often):
                began = time.monotonic()
                self.renew(self.renewals)
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.renewals += 1
        except BaseException as error:  # noqa: BLE001 - for the thread that looks
            error.add_note(f"{time.time() - self.promised:+.2f} s from the time that the holder was told")
            self._failure = error


class Next:
    """Waits for the slot of `db` behind the holder."""

    def __init__(self, world: World, patience: float = 100.0) -> None:
        self._world = world
        self._lease: Any = None
        self._thread = threading.Thread(target=self._wait, args=(patience,), daemon=True)
        self._patience = patience
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether it was not served yet."""
        return self._thread.is_alive()

    def given(self) -> float:
        """When it was given the slot, in seconds since the epoch, by the server's clock."""
        self._thread.join(self._patience)
        assert self._lease is not None, "the slot did not come free"
        (slot,) = self._world.call("ListSlots", {"name": "db"}).slots
        assert slot.holder_id == self._lease.id
        return float(slot.acquire_time.ToNanoseconds() / 1e9)

    def _wait(self, patience: float) -> None:
        request = pb.AcquireSlotsRequest(names=["db"], holder="next")
        request.wait_timeout.FromNanoseconds(round(patience * 1e9))
        self._lease = self._world.call("AcquireSlots", request).lease


def limited(world: World) -> World:
    """With a limit `db` of one slot."""
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "db", "limit": 1}})
    return world


def _seconds(lease: Any) -> float:
    return float(lease.expire_time.ToNanoseconds() / 1e9)
