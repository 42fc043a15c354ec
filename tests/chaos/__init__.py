"""Chaos: a real PostgreSQL, replicas of our server and dozens of SDK processes, with all of them and the network
between them failing by a seeded plan; and a checker that compares what processes were told with what the database says.

`scripts/chaos --minutes 2` is the front door. `faults` says what fails and when, `scene` what there is, and `driving`
does the one to the other; `work` is what SDK processes do, each with a `journal`; `quiet` ends it, and `checks` look at
the `evidence`.
"""
