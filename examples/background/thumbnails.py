"""A task that takes longer than a web request should, and the worker that runs it.

Run `python examples/background/thumbnails.py` in one terminal, and `python examples/background/web.py` in another.
"""

import zlib

from antiphon import get_run_logger, task
from antiphon.task_worker import serve


@task(retries=2, retry_delay_seconds=1, task_run_name="thumbnail-{name}", log_prints=True)
def make_thumbnail(name: str, image: bytes) -> dict[str, int | str]:
    """Return what is known of an image once it was made small. (It is packed here; a real one is scaled.)"""
    packed = zlib.compress(image, level=9)
    get_run_logger().info("%s: %d bytes became %d", name, len(image), len(packed))
    return {"name": name, "before": len(image), "after": len(packed)}


if __name__ == "__main__":
    serve(make_thumbnail, limit=4)
