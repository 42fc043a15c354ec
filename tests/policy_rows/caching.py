"""Rules about results that are known already."""

from antiphon_server.domain.decision import KeepInCache
from antiphon_server.domain.facts import Cached
from antiphon_server.domain.model import State, StateDetails
from antiphon_server.domain.rules.keep_result_in_cache import LONGEST_KEY
from antiphon_server.domain.states import COMPLETED, PENDING, RUNNING
from policy_rows.row import LATER, NOTHING, Row, becomes, effects, rows

TASKS = "task deferred"


def _use_cache() -> list[Row]:
    rule = "UseCache"
    made = StateDetails(child_flow_run_id="c", cache_key="key", cache_expire_time=LATER)
    known = Cached(State(COMPLETED, "Completed", "done", made, b"result", "maker", 5), LATER)
    asked, anew = (
        {"details": StateDetails(cache_key="key")},
        {"details": StateDetails(cache_key="key", refresh_cache=True)},
    )
    details = StateDetails(child_flow_run_id="c", cache_key="key")
    given = becomes(type=COMPLETED, name="Cached", message="done", data=b"result", details=details, id="")
    return [
        *rows(TASKS, rule, "reject", PENDING, RUNNING, said=asked, cached=known, check=given),
        *rows(TASKS, rule, "reject", None, RUNNING, said=asked, cached=known, check=given),
        *rows(TASKS, rule, NOTHING, PENDING, RUNNING, said=anew, cached=known),
        *rows(TASKS, rule, NOTHING, PENDING, RUNNING, said=asked),
    ]


def _keep_result_in_cache() -> list[Row]:
    rule, expires = "KeepResultInCache", {"details": StateDetails(cache_key="key", cache_expire_time=LATER)}
    for_ever = {"details": StateDetails(cache_key="k" * LONGEST_KEY)}
    too_long = {"details": StateDetails(cache_key="k" * (LONGEST_KEY + 1))}
    return [
        *rows(TASKS, rule, "rewrite", RUNNING, COMPLETED, said=expires, check=effects(KeepInCache("key", LATER))),
        *rows(TASKS, rule, "rewrite", RUNNING, COMPLETED, said=for_ever, check=effects(_for_ever())),
        *rows(TASKS, rule, "rewrite", RUNNING, COMPLETED, said=too_long, check=effects()),
        *rows(TASKS, rule, NOTHING, RUNNING, COMPLETED),
    ]


def _for_ever() -> KeepInCache:
    return KeepInCache("k" * LONGEST_KEY, None)


ROWS = [*_use_cache(), *_keep_result_in_cache()]
