"""Logs."""

from collections.abc import Iterable
from typing import Any

from antiphon.client import listings
from antiphon.client.conversions.runs import log_from
from antiphon.client.operation import ClientBase, operation
from antiphon.client.schemas.actions import LogCreate
from antiphon.client.schemas.filters import LogFilter
from antiphon.client.schemas.objects import Log
from antiphon.client.schemas.sorting import LogSort
from antiphon.engine.dual import Work
from antiphon.timestamps import write_timestamp
from antiphon.v1 import log_pb2
from antiphon.v1.log_service_pb2 import CreateLogsRequest, CreateLogsResponse

__all__ = ["LogOperations"]

#: What the contract takes at once.
_BATCH = 1000


class LogOperations(ClientBase):
    """Lines that runs wrote."""

    @operation
    def create_logs(self, logs: Iterable[LogCreate | dict[str, Any]]) -> Work[None]:
        """Store lines, a thousand at a time. Raises ValidationError for a dict that is no LogCreate."""
        lines = [_line(each if isinstance(each, LogCreate) else LogCreate.model_validate(each)) for each in logs]
        for start in range(0, len(lines), _BATCH):
            request = CreateLogsRequest(logs=lines[start : start + _BATCH])
            yield from self.call(lambda services: services.logs.CreateLogs, request, CreateLogsResponse)

    @operation
    def read_logs(
        self,
        log_filter: LogFilter | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sort: LogSort | None = LogSort.TIMESTAMP_ASC,
    ) -> Work[list[Log]]:
        """Return the lines that fit the filter, oldest first; at most `limit` (None is 200) behind `offset`."""
        text = yield from listings.condition(self, listings.LOGS, {listings.LOGS: log_filter})
        page = listings.list_messages(self, listings.LOGS, text, sort=sort, limit=limit, offset=offset)
        return list(map(log_from, (yield from page)))


def _line(log: LogCreate) -> log_pb2.Log:
    line = log_pb2.Log(
        logger=log.name,
        level=log.level,
        message=log.message,
        flow_run_id=str(log.flow_run_id or ""),
        task_run_id=str(log.task_run_id or ""),
    )
    write_timestamp(line.create_time, log.timestamp)
    return line
