"""Variables: values that flows share and people change without touching code.

`antiphon variable set newsletter '{"sender": "ada@example.com", "batch": 50}'` does the same from a shell. No secrets
here.

Prints:
    120 mails by ada@example.com in 3 batches
    without the variable: None
"""

from antiphon import flow
from antiphon.variables import Variable


@flow
def newsletter(mails: int) -> str:
    options = Variable.get("newsletter", default={"sender": "nobody@example.com", "batch": 10})
    batches = -(-mails // options["batch"])
    return f"{mails} mails by {options['sender']} in {batches} batches"


if __name__ == "__main__":
    Variable.set("newsletter", {"sender": "ada@example.com", "batch": 50}, tags=["mail"], overwrite=True)
    print(newsletter(120))
    Variable.unset("newsletter")
    print("without the variable:", Variable.get("newsletter"))
