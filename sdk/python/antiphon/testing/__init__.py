"""For tests of flows and tasks: a server of the test's own, and a clock that a test moves. See docs/testing.md."""
