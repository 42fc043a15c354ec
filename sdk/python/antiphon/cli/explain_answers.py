"""What the policy would say, as people say it. Pure functions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from antiphon.cli.explaining import Answer, Question
from antiphon.cli.run_words import when_words
from antiphon.v1.state_pb2 import State
from antiphon.v1.transition_pb2 import Finding, Verdict, VerdictKind

_INDENT = " " * 4
#: As the server writes times into facts and consequences.
_RFC_3339 = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
#: The rule whose WAIT ends at a time that is known; of all others it is a guess.
_WAITS_FOR_ITS_TIME = "WaitForScheduledTime"

SUBJECTS: Mapping[Question, str] = {
    Question.CLAIM: "A claim for a worker",
    Question.START: "A start by hand",
    Question.GO_ON: "Bringing it to RUNNING",
    Question.RESUME: "Resuming it",
    Question.RETRY: "A retry",
    Question.RUN_AGAIN: "Running it again by hand",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A sentence, what there is to know about it, and what would have to change."""

    says: str
    facts: Sequence[str] = ()
    change: str = ""

    def lines(self) -> list[str]:
        """With facts and change indented below the sentence."""
        below = [*self.facts, *([f"What would have to change: {self.change}"] if self.change else [])]
        return [self.says, *(f"{_INDENT}{line}" for line in below)]


def answer_block(answer: Answer, held: State, now: datetime, *, subject: str = "") -> Block:
    """One answer. `held` is the state that the run is in, to see whether the answer would be another one."""
    verdict = answer.response.verdict
    last = verdict.findings[-1] if verdict.findings else Finding()
    accepted = verdict.kind == VerdictKind.VERDICT_KIND_ACCEPT
    facts = [] if accepted else [f"{name}: {value}" for name, value in sorted(last.facts.items())]
    facts += answer.response.consequences
    says = f"{subject or SUBJECTS[answer.question]} {_outcome(verdict, last, held, now)}."
    return Block(says, [with_times(fact, now) for fact in facts], "" if accepted else last.remedy)


def _outcome(verdict: Verdict, last: Finding, held: State, now: datetime) -> str:
    if verdict.kind == VerdictKind.VERDICT_KIND_ACCEPT:
        return "would be accepted"
    if verdict.kind == VerdictKind.VERDICT_KIND_WAIT:
        known = last.rule == _WAITS_FOR_ITS_TIME
        until = f" {'until' if known else 'perhaps until'} {when_words(verdict.wait_until_time, now)}"
        return f"would have to wait{until if verdict.HasField('wait_until_time') else ''}: {verdict.reason}"
    if verdict.kind == VerdictKind.VERDICT_KIND_REJECT and verdict.state.id != held.id:
        does = "leave" if verdict.state.name == held.name else "make"
        return f"would {does} it {verdict.state.name}: {verdict.reason}"
    return f"would be refused: {verdict.reason}"


def with_times(text: str, now: datetime) -> str:
    """The text with times as people read them in place of those of the wire."""

    def say(found: re.Match[str]) -> str:
        moment = Timestamp()
        moment.FromJsonString(found[0])
        return when_words(moment, now)

    return _RFC_3339.sub(say, text)
