"""Chaos: a real PostgreSQL, replicas of our server and dozens of SDK processes, with all of them and the network between
them failing by a seeded plan; and a checker that compares what processes were told with what the database says.

`scripts/chaos --minutes 2` is the front door, `docs/operations.md` of no use here: nothing of this is shipped.
"""

import os

# The harness forks (PostgreSQL), and gRPC's own handling of that closes descriptors that are others' by then.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
