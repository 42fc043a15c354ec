"""The reference of the command line in `docs/cli.md`, and the schemas of its JSON in `docs/cli.schema.json`."""
