"""A flood of log lines: states come through, memory stays bounded, and what was dropped is counted."""

import logging
import re
from collections.abc import Iterator

import pytest

from antiphon import flow, get_run_logger, task
from antiphon.session import registry
from antiphon.session.log_journal import MAX_BATCH_LINES, MAX_ON_THE_WAY
from antiphon.session.uploader import LogUploader
from antiphon.settings import temporary_settings
from stored import Stored, type_of

DEBUGS, WARNINGS, MOST = 20_000, 20, 1_000
ON_THE_WAY = MAX_BATCH_LINES * MAX_ON_THE_WAY


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Uploaders have little room, and the terminal shows nothing."""

    def make(*arguments: object, **options: object) -> LogUploader:
        return LogUploader(*arguments, **options, max_lines=MOST)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "LogUploader", make)
    handlers = logging.getLogger("antiphon").handlers
    with temporary_settings({"logging.level": "DEBUG"}):
        logging.getLogger("antiphon").handlers = []
        yield
    logging.getLogger("antiphon").handlers = handlers


@task
def work(number: int) -> int:
    return number


@flow
def flood(uploader: LogUploader | None) -> list[int]:
    logger, done = get_run_logger(), []
    for number in range(DEBUGS):
        logger.debug("line %d of a flood", number)
        if number % (DEBUGS // WARNINGS) == 0:
            logger.warning("careful %d", number)
            done.append(work(number))
            assert uploader is None or uploader._journal.lines <= MOST + ON_THE_WAY
    return done


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("away", [False, True], ids=["the server keeps up or not", "the server does not listen"])
def test_a_flood_loses_no_state_and_counts_what_it_drops(stored: Stored, away: bool) -> None:
    uploader = registry.get_uploader()
    if away:
        uploader.request_pause()
        uploader.await_pause()
    state = flood(uploader, return_state=True)
    if away:
        uploader.resume()
    assert state.is_completed() and len(state.result()) == WARNINGS
    run_id = str(state.state_details.flow_run_id)
    logs = stored.logs(run_id)
    assert [type_of(run.state) for run in stored.task_runs(run_id)] == ["COMPLETED"] * WARNINGS
    warnings = [log.message for log in logs if log.message.startswith("careful")]
    assert len(warnings) == WARNINGS, "the least important go first"
    kept = sum(log.message.endswith("of a flood") for log in logs)
    reports = [re.match(r"(\d+) log lines before this one were dropped \(DEBUG (\d+)\)", log.message) for log in logs]
    dropped = sum(int(report[2]) for report in reports if report)
    assert kept + dropped == DEBUGS
    assert not away or dropped >= DEBUGS - MOST
