"""Blocks for Kubernetes clusters."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, field_validator

from antiphon.blocks.core import Block
from antiphon.blocks.extras import load
from antiphon.types import SecretDict

__all__ = ["KubernetesClusterConfig"]

WHAT = "The block KubernetesClusterConfig"


class KubernetesClusterConfig(Block):
    """How to reach a cluster: what is in a kubeconfig file. It is kept encrypted, for it has keys and tokens.

    Example:
        ```python
        from antiphon_kubernetes import KubernetesClusterConfig

        KubernetesClusterConfig.from_file(context_name="staging").save("staging")
        ```
    """

    _block_type_name = "Kubernetes Cluster Config"

    config: SecretDict = Field(description="All that is in the kubeconfig file.")
    context_name: str = Field(description="The name of the context to use.")

    @field_validator("config", mode="before")
    @classmethod
    def _from_yaml(cls, config: Any) -> Any:
        return yaml.safe_load(config) if isinstance(config, str) else config

    @classmethod
    def from_file(cls, path: Path | str | None = None, context_name: str | None = None) -> Self:
        """Return the block for a kubeconfig file, `~/.kube/config` if none is named, and a context of it, if none is
        named the current one. Raises ValueError for a context that is not there."""
        config_module = load("kubernetes_asyncio.config.kube_config", "kubernetes", WHAT)
        file = Path(path or config_module.KUBE_CONFIG_DEFAULT_LOCATION).expanduser()
        config = yaml.safe_load(file.read_text())
        names = [each["name"] for each in config.get("contexts") or []]
        chosen = context_name or config.get("current-context")
        if chosen not in names:
            raise ValueError(f"There is no context {chosen!r} in {file}. There are: {', '.join(names) or 'none'}.")
        return cls(config=config, context_name=chosen)

    async def get_api_client(self) -> Any:
        """Return a `kubernetes_asyncio.client.ApiClient` for the cluster, to be closed."""
        config_module = load("kubernetes_asyncio.config", "kubernetes", WHAT)
        return await config_module.new_client_from_config_dict(
            config_dict=self.config.get_secret_value(), context=self.context_name
        )
