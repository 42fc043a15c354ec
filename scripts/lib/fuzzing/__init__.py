"""Coverage-guided fuzzing of what reads callers' bytes: `scripts/fuzz`."""
