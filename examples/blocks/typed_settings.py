"""A block: settings and secrets under a name, typed by Pydantic, kept by the server, the secret ones encrypted.

For databases, mailboxes and services that several flows use.

Prints:
    mailing 3 invoices by smtp.example.com:587 as billing
    in clear text only on demand: **********
"""

from pydantic import SecretStr

from antiphon import flow, task
from antiphon.blocks.core import Block


class Mailbox(Block):
    """Where mails are sent from."""

    host: str
    port: int = 587
    user: str
    password: SecretStr


@task
def send(mailbox: Mailbox, mails: int) -> None:
    print(f"mailing {mails} invoices by {mailbox.host}:{mailbox.port} as {mailbox.user}")


@flow
def send_invoices() -> None:
    mailbox = Mailbox.load("billing")
    send(mailbox, 3)
    print(f"in clear text only on demand: {mailbox.password}")


if __name__ == "__main__":
    Mailbox(host="smtp.example.com", user="billing", password=SecretStr("of no use")).save("billing", overwrite=True)
    send_invoices()
