"""One server: its parts, put together, started and stopped."""

import asyncio
import hashlib
import importlib
import importlib.metadata
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from uuid_utils import uuid7

from antiphon.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    flow_run_service_pb2,
    flow_run_service_pb2_grpc,
    flow_service_pb2,
    flow_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    operation_service_pb2,
    operation_service_pb2_grpc,
    session_pb2,
    session_service_pb2,
    session_service_pb2_grpc,
    task_run_service_pb2,
    task_run_service_pb2_grpc,
    transition_service_pb2,
    transition_service_pb2_grpc,
)
from antiphon_server.application.core import Core
from antiphon_server.application.feed import Feed
from antiphon_server.application.page_tokens import PageTokens
from antiphon_server.application.queries import Queries
from antiphon_server.application.servers import Joined, JoinServers
from antiphon_server.application.sessions import ForgiveDowntime, HasActiveSessions
from antiphon_server.application.takers import Takers
from antiphon_server.application.task_dispatch import TaskDispatch
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import AntiphonError, Unavailable
from antiphon_server.encryption_keys import KeyRing
from antiphon_server.lease_storage.opening import lease_storage_at
from antiphon_server.metrics.opening import open_exporter
from antiphon_server.rpc.admin_servicer import AdminServicer
from antiphon_server.rpc.admission import AdmissionInterceptor, Gates
from antiphon_server.rpc.change_log import ChangeLog
from antiphon_server.rpc.flow_run_servicer import FlowRunServicer
from antiphon_server.rpc.flow_servicer import FlowServicer
from antiphon_server.rpc.frames import answer_frame
from antiphon_server.rpc.interceptors import (
    Activity,
    DeadlineInterceptor,
    ErrorInterceptor,
    LoggingInterceptor,
    ValidationInterceptor,
)
from antiphon_server.rpc.on_demand import OURS, OnDemand
from antiphon_server.rpc.operation_servicer import OperationServicer
from antiphon_server.rpc.operation_watching import OperationWatches
from antiphon_server.rpc.other_servicers import LogServicer, TransitionServicer
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.patience import Patience
from antiphon_server.rpc.reads import Reads
from antiphon_server.rpc.session_servicer import SessionServicer
from antiphon_server.rpc.session_stream import SessionHub
from antiphon_server.rpc.slow_readers import SlowReaderInterceptor
from antiphon_server.rpc.task_run_servicer import TaskRunServicer
from antiphon_server.rpc.task_run_taking import TaskRunTaking
from antiphon_server.rpc.task_run_watching import TaskRunWatches
from antiphon_server.rpc.watching import Watches
from antiphon_server.services.board import Board
from antiphon_server.services.leadership import Leadership
from antiphon_server.services.operations_runner import NAME as OPERATIONS
from antiphon_server.services.operations_runner import OperationsRunner
from antiphon_server.services.replicas import NAME as REPLICAS
from antiphon_server.services.replicas import Replicas
from antiphon_server.services.scheduler import NAME as SCHEDULER
from antiphon_server.services.scheduler import Scheduler
from antiphon_server.services.slot_expiry import SlotExpiry
from antiphon_server.services.slot_queues import SlotQueues
from antiphon_server.services.sweeper import CHORES, SESSIONS, Retention, Sweeper
from antiphon_server.services.waits import Waits
from antiphon_server.storage import tables
from antiphon_server.storage.opening import database_at
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.schema import HEAD, prepare
from antiphon_server.tracing.opening import open_tracing
from antiphon_server.wire_times import micros_to_timestamp

if TYPE_CHECKING:
    from antiphon_server.diagnosis.patient import Patient

logger = logging.getLogger(__name__)

_AT_ONCE = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (admin_service_pb2, "AdminService"),
        (flow_service_pb2, "FlowService"),
        (flow_run_service_pb2, "FlowRunService"),
        (log_service_pb2, "LogService"),
        (operation_service_pb2, "OperationService"),
        (session_service_pb2, "SessionService"),
        (task_run_service_pb2, "TaskRunService"),
        (transition_service_pb2, "TransitionService"),
    )
)
SERVICES = (*_AT_ONCE, *OURS)
#: What one server of a database does for all.
LED = (SCHEDULER, OPERATIONS, SESSIONS, *CHORES, REPLICAS)

#: Seconds that calls under way get to end by themselves once all that was asked for is committed.
GRACE = 5.0
#: Seconds that calls of others' services (someone watches health, say) may keep the server after that.
GRACE_OF_OTHERS = 0.2
OPTIONS = (
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    # One address, one server: a second process must not share the port unnoticed.
    ("grpc.so_reuseport", 0),
    # Clients that ask every 10 s whether the line is alive are welcome.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients of which nothing is left on the line are not waited for: their streams would be kept for ever.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Calls that come faster than they can even be turned away (`rpc/admission.py`) wait within gRPC, which resets more
    # and more of them from the first number on, and all from the second one on. Callers see CANCELLED. Whoever is taken
    # in has waited behind these, so their number is what an overload adds to everybody's time.
    ("grpc.server.max_pending_requests", 256),
    ("grpc.server.max_pending_requests_hard_limit", 512),
)


@dataclass(slots=True)
class Settings:
    """What a server is started with."""

    #: A file for SQLite, or a URL of PostgreSQL's.
    database: Path | str
    #: `host:port` or `unix:/path`; port 0 takes a free one.
    listen: Sequence[str]
    #: A session not heard of for so many seconds is lost.
    session_ttl: float = 30.0
    #: For tests; the database's without.
    clock: Callable[[], int] | None = None
    #: Fernet keys under which secrets are kept; the first one encrypts. Without any, one is made beside a database that
    #: is this server's alone.
    encryption_keys: Sequence[str] = ()
    #: Whether a commit waits for the disk. If not, the last ones may be lost when the machine, not the process, dies.
    durable: bool = True
    #: What keeps the time of leases: the database where it is empty, or a URL of Redis.
    lease_storage: str = ""
    #: How long runs and logs are kept.
    retention: Retention = field(default_factory=Retention)
    #: Called with the revision of a database that is about to be migrated; what it raises keeps it as it is.
    before_migrating: Callable[[str], None] | None = None
    #: `host:port` where metrics are served by HTTP; None serves none.
    metrics: str | None = None
    #: OpenTelemetry's provider of spans; None makes none.
    traces: Any = None


class Server:
    """Lives in the event loop in which it is started. `addresses` are known after `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.addresses: list[str] = []
        self.activity = Activity()
        self.gates = Gates()
        #: Set when somebody asks the server to stop.
        self.asked_to_stop = asyncio.Event()
        self._ttl = round(settings.session_ttl * 1e6)
        self._background: list[asyncio.Task[None]] = []
        #: Who takes flow runs here.
        self._takers: Takers = {}

    async def start(self) -> None:
        """Opens the database and listens.

        Raises AntiphonError for a database that cannot be used, OSError for an address that cannot be bound.
        """
        settings = self._settings
        self._database = database_at(settings.database, durable=settings.durable)
        self._engine = self._database.writer_engine()
        key = prepare(self._engine, settings.before_migrating)
        clock = settings.clock or self._database.clock
        self.reader = Reader(self._open_reader)
        shared, server_id = self._database.shared, str(uuid7())
        self._id = server_id
        self._keys = KeyRing.beside(settings.database, settings.encryption_keys)
        self.core = Core(self._engine, clock, server_id=server_id, others=self._database.others())
        self.hub = SessionHub(self.gates)
        self.waits = Waits(self.core, self._push_verdict, lambda id: self.hub.stream(id) is not None)
        self.slot_expiry = SlotExpiry(self.core)
        self.slot_queues = SlotQueues(self.core)
        self.queries = Queries(self.reader, PageTokens(key))
        self._reads = Reads(self.queries)
        self.change_log = ChangeLog()
        self.core.follow(self.change_log.note)
        self.patience = Patience(self.core, self._reads)
        self._operation_watches = OperationWatches(self._reads)
        self.core.listen(self._operation_watches.note)
        self._task_run_watches = TaskRunWatches(self.queries)
        self.core.listen(self._task_run_watches.note)
        self.task_dispatch = TaskDispatch(self.core, self.reader)
        self._task_run_taking = TaskRunTaking(self.task_dispatch)
        self._board = Board(clock)
        self._leadership = Leadership(self.core, LED, server_id=server_id, alone=not shared, addresses=self.addresses)
        self.scheduler = Scheduler(self.core, board=self._board, leads=self._leadership.leads)
        self.operations_runner = OperationsRunner(
            self.core, self.reader, board=self._board, leads=self._leadership.leads
        )
        replicas = (
            Replicas(self.core, self.slot_expiry, self.slot_queues, board=self._board, leads=self._leadership.leads)
            if shared
            else None
        )
        database_id = hashlib.sha256(key).hexdigest()[:12]
        self._lease_storage = lease_storage_at(settings.lease_storage, self.core, self._board, database_id)
        self._leadership.at_beginning(SCHEDULER, self.scheduler.restore)
        self._leadership.at_beginning(OPERATIONS, self.operations_runner.restore)
        self.exporter = self._open_exporter(settings.metrics) if settings.metrics is not None else None
        tracing = open_tracing(settings.traces) if settings.traces is not None else None
        watching = [each for each in (self.exporter, tracing) if each is not None]
        for each in watching:
            self.core.observe(each.observe)
        self._grpc = grpc.aio.server(
            interceptors=(
                AdmissionInterceptor(self.gates),
                LoggingInterceptor(self.activity),
                *(each.interceptor for each in watching),
                ErrorInterceptor(),
                SlowReaderInterceptor(),
                DeadlineInterceptor(),
                ValidationInterceptor(),
            ),
            options=OPTIONS,
        )
        for address in settings.listen:
            self.addresses.append(self._bind(address))
        self._add_services(ResumeTokens(key))
        self.core.start()
        joined: Joined = await self.core.run(JoinServers(server_id, self.addresses, exclusive=not shared))
        if shared:
            self._share(joined.newest, database_id)
        if joined.alone:
            await self.core.run(ForgiveDowntime(self._ttl))
        self._restore_waits()
        self.slot_expiry.look()
        await self.slot_queues.restore()
        await self._leadership.look()
        await self._grpc.start()
        for service in ("", *SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self.sweeper = Sweeper(
            self.core,
            interval=settings.session_ttl / 6,
            ttl=self._ttl,
            board=self._board,
            leads=self._leadership.leads,
            retention=settings.retention,
        )
        self._background += [
            asyncio.create_task(each.run())
            for each in (
                self._leadership,
                self.sweeper,
                self.operations_runner,
                self.task_dispatch,
                self.scheduler,
                self._lease_storage,
                *((replicas,) if replicas is not None else ()),
            )
        ]
        logger.info("listening on %s, database %s", ", ".join(self.addresses), self._database.address)

    def _share(self, newest: int, database_id: str) -> None:
        """There may be other servers, whose commits are heard from now on."""
        feed = Feed(self.reader, newest, self._lost_touch)
        self.core.share(feed)
        # Cursors hold at every server of this database, and at no other's.
        self.change_log.share(database_id, newest, feed)
        self._background += [
            asyncio.create_task(feed.run()),
            asyncio.create_task(self._database.listen(feed.stir)),
        ]

    def _lost_touch(self) -> None:
        logger.error("this server was away for so long that it knows too little of what others did: it leaves")
        self.asked_to_stop.set()

    async def has_active_sessions(self) -> bool:
        active: bool = await self.core.run(HasActiveSessions())
        return active

    def _bind(self, address: str) -> str:
        path = Path(address.removeprefix("unix:")) if address.startswith("unix:") else None
        if path is not None and path.is_socket():
            # The lock on the home says that nobody listens there any more.
            path.unlink()
        elif path is not None and os.path.lexists(path):
            raise OSError(
                f"cannot listen on {path}: something is there that is no socket. Move it, or name another path"
            )
        try:
            port = self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            hint = (
                "is the port taken, and is the address one of this machine?"
                if path is None
                else "its folder must be there and be writable, and its path may have no more than 107 bytes"
            )
            raise OSError(f"cannot listen on {address}: {hint}") from error
        if path is not None:
            os.chmod(path, 0o600)
            return address
        return f"{address.rpartition(':')[0]}:{port}"

    def _add_services(self, tokens: ResumeTokens) -> None:
        server, core, reads = self._grpc, self.core, self._reads
        flow_service_pb2_grpc.add_FlowServiceServicer_to_server(FlowServicer(core, reads), server)
        flow_run_service_pb2_grpc.add_FlowRunServiceServicer_to_server(
            FlowRunServicer(core, reads, Watches(reads, self.change_log, core.settle), self.patience), server
        )
        task_run_service_pb2_grpc.add_TaskRunServiceServicer_to_server(
            TaskRunServicer(core, reads, self._task_run_taking, self._task_run_watches), server
        )
        transition_service_pb2_grpc.add_TransitionServiceServicer_to_server(TransitionServicer(core), server)
        log_service_pb2_grpc.add_LogServiceServicer_to_server(LogServicer(core, reads), server)
        operation_service_pb2_grpc.add_OperationServiceServicer_to_server(
            OperationServicer(core, reads, self._operation_watches), server
        )
        session_service_pb2_grpc.add_SessionServiceServicer_to_server(
            SessionServicer(core, self.hub, tokens, self._ttl), server
        )
        admin_service_pb2_grpc.add_AdminServiceServicer_to_server(
            AdminServicer(
                reads,
                self._info(),
                self._board.all,
                self._leadership.leads,
                self.diagnose,
                lambda _: self.asked_to_stop.set(),
            ),
            server,
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        parts = Parts(
            core,
            self.queries,
            tokens,
            self._keys,
            self.reader,
            self.hub,
            self.change_log,
            self._lease_storage,
            self._ttl,
            self._takers,
        )
        server.add_generic_rpc_handlers((OnDemand((*SERVICES, health.SERVICE_NAME), parts),))

    def _info(self) -> admin_service_pb2.ServerInfo:
        return admin_service_pb2.ServerInfo(
            version=importlib.metadata.version("antiphon"),
            schema_revision=HEAD,
            start_time=micros_to_timestamp(self.core.clock()),
            process_id=os.getpid(),
            addresses=self.addresses,
            database=self._database.address,
            durability=self._database.durability,
        )

    async def diagnose(self, own_only: bool = False, **how: Any) -> admin_service_pb2.DiagnoseServerResponse:
        """Looks for what is wrong; `how` are fields of diagnosis/patient.py."""
        # Loaded where somebody asks.
        examination = importlib.import_module("antiphon_server.diagnosis.examination")
        place = self._settings.database
        patient: Patient = importlib.import_module("antiphon_server.diagnosis.patient").Patient(
            core=self.core,
            reader=self.reader,
            gates=self.gates,
            board=self._board,
            led_for=self._leadership.led_for,
            led=LED,
            task_dispatch=self.task_dispatch,
            takers=self._takers.keys(),
            keys=self._keys,
            retention=self._settings.retention,
            file=place if isinstance(place, Path) else None,
            schema=HEAD,
            server_id=self._id,
        )
        answer: admin_service_pb2.DiagnoseServerResponse = await examination.diagnose(
            replace(patient, **how), own_only=own_only
        )
        return answer

    def _open_exporter(self, address: str) -> Any:
        return open_exporter(
            address,
            core=self.core,
            reader=self.reader,
            hub=self.hub,
            log=self.change_log,
            board=self._board,
            leads=self._leadership.leads,
            version=importlib.metadata.version("antiphon"),
            schema=HEAD,
        )

    def _open_reader(self) -> Any:
        """Readers are loaded when somebody first reads; see `storage/reader_engine.py`."""
        module = importlib.import_module("antiphon_server.storage.reader_engine")
        return module.reader_engine(self._database)

    def _push_verdict(self, session_id: str, sequence: int, answer: Verdict | AntiphonError) -> None:
        self.hub.push(session_id, answer_frame(sequence, answer))

    def _restore_waits(self) -> None:
        with self._engine.begin() as connection:
            for row in connection.execute(tables.waits.select()).fetchall():
                self.waits.add(dict(row._mapping))

    async def stop(self) -> None:
        """Says NOT_SERVING and Drain, commits what was asked for, answers it, then ends every call."""
        for task in self._background:
            task.cancel()
        self._task_run_taking.close()
        self.task_dispatch.stop()
        await self._health.enter_graceful_shutdown()
        self.hub.drain(session_pb2.Command(drain=session_pb2.Drain(reason="stopping")))
        self.waits.stop()
        self.slot_expiry.stop()
        self.slot_queues.stop()
        await self._leadership.release()
        await self.core.stop()
        self.change_log.close()
        self._operation_watches.close()
        self._task_run_watches.close()
        self.hub.end_all(Unavailable("SERVER_STOPPING", "the server has stopped; attach again", retry_after=0))
        await self._end_calls()
        if self.exporter is not None:
            await self.exporter.close()
        await self._lease_storage.close()
        await self.reader.close()
        self._engine.dispose()
        logger.info("stopped")

    async def _end_calls(self) -> None:
        """Takes no new call, lets those under way end, and cuts those that do not."""
        stopping = asyncio.ensure_future(self._grpc.stop(GRACE))
        quiet = asyncio.ensure_future(self.activity.quiet.wait())
        await asyncio.wait({stopping, quiet}, return_when=asyncio.FIRST_COMPLETED)
        quiet.cancel()
        await asyncio.wait({stopping}, timeout=GRACE_OF_OTHERS)
        await self._grpc.stop(None)
        await stopping
