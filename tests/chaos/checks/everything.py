"""All checks, in the order in which a reader wants their findings."""

from chaos.checks import acked, executions, histories, leftovers, limits
from chaos.evidence import Evidence, Finding

CHECKS = (acked.check, histories.check, executions.check, limits.check, leftovers.check)


def findings(evidence: Evidence) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(evidence)]
