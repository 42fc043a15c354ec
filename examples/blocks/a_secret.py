"""One secret under a name, such as the token of a service.

`antiphon block create secret --name weather-token` makes it from a shell, without the token in the shell's history.

Prints:
    asking with a token of 12 characters
"""

from antiphon import flow, task
from antiphon.blocks.system import Secret


@task
def ask(city: str) -> None:
    token = Secret.load("weather-token").get()
    print(f"asking with a token of {len(token)} characters")


@flow
def weather(city: str) -> None:
    ask(city)


if __name__ == "__main__":
    Secret(value="not-a-secret").save("weather-token", overwrite=True)
    weather("Oslo")
