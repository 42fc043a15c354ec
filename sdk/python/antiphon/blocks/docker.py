"""The block for a registry of images."""

from typing import Any

from pydantic import Field, SecretStr

from antiphon.blocks.core import Block

__all__ = ["DockerRegistryCredentials"]


class DockerRegistryCredentials(Block):
    """How to log in to a registry of images.

    Example:
        ```python
        from antiphon_docker import DockerRegistryCredentials

        DockerRegistryCredentials(
            username="me", password="...", registry_url="registry.example.com"
        ).save("my-registry")
        ```
    """

    _block_type_name = "Docker Registry Credentials"

    username: str = Field(description="The name to log in with.")
    password: SecretStr = Field(description="The password or token to log in with.")
    registry_url: str = Field(description="Where the registry is, such as `registry.example.com`.")
    reauth: bool = Field(
        default=True, description="Whether `login` logs in anew where the client has logged in before."
    )

    def login(self, client: Any) -> None:
        """Log a `docker.DockerClient` in. Raises `docker.errors.APIError`."""
        client.login(
            username=self.username,
            password=self.password.get_secret_value(),
            registry=self.registry_url,
            reauth=self.reauth,
        )

    def auth_config(self) -> dict[str, str]:
        """Return what one pull or push logs in with."""
        return {
            "username": self.username,
            "password": self.password.get_secret_value(),
            "serveraddress": self.registry_url,
        }
