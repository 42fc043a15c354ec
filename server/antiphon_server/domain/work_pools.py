"""Words for work pools."""

#: The queue that each pool is made with, for deployments that name none.
DEFAULT_QUEUE = "default"
