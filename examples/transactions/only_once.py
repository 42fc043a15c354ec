"""A transaction with a key is committed once: whoever comes later finds it done, in any run and any process.

For charges, mails and orders that must not happen twice when a job is started twice.

Prints:
    charged 49 EUR for order 1001
    order 1001 was charged before: receipt-1001
"""

import tempfile

from antiphon import flow
from antiphon.results import ResultStore
from antiphon.transactions import transaction


@flow
def charge(order: int, euros: int, receipts: str) -> str:
    store = ResultStore(result_storage=receipts)
    with transaction(key=f"charge-{order}", store=store) as txn:
        before = txn.read()
        if before is not None:
            print(f"order {order} was charged before: {before.result}")
            return str(before.result)
        print(f"charged {euros} EUR for order {order}")
        receipt = f"receipt-{order}"
        txn.stage(receipt)
        return receipt


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        charge(1001, 49, folder)
        charge(1001, 49, folder)
