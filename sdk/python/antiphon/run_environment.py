"""How a process that a worker starts is told of its run, and how it says what became of it."""

#: Environment variables: the run, and the fencing token of the claim that the process acts on.
FLOW_RUN_ID = "ANTIPHON__FLOW_RUN_ID"
FENCING_TOKEN = "ANTIPHON__FENCING_TOKEN"
#: A descriptor on which it says, by one byte, that the run is RUNNING in its hands; not set where nobody listens.
CLAIMED_FD = "ANTIPHON__CLAIMED_FD"

#: Exit codes: the run was broken off, or could not be begun.
BROKEN_OFF = 1
#: The claim is over, or somebody else has the run: nothing was done.
NOT_OURS = 6
