"""What runs flows of deployments in this process; for now, where their code comes from."""

__all__: list[str] = []
