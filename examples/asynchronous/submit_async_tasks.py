"""`submit` and `map` of async tasks in an async flow: futures as in sync code.

Sync and async tasks may be mixed; sync ones run in threads and do not hold up the loop.

Prints:
    3 bodies with 60 bytes, digest 53f8...
"""

import asyncio
import hashlib

from antiphon import flow, task


@task
async def download(name: str) -> bytes:
    await asyncio.sleep(0.05)
    return name.encode() * 4


@task
def digest(bodies: list[bytes]) -> str:
    return hashlib.sha256(b"".join(bodies)).hexdigest()


@flow
async def mirror(names: list[str]) -> str:
    bodies = download.map(names)
    checked = digest.submit(bodies)
    sizes = [len(body) for body in bodies.result()]
    return f"{len(sizes)} bodies with {sum(sizes)} bytes, digest {checked.result()[:4]}..."


if __name__ == "__main__":
    print(asyncio.run(mirror(["a.txt", "b.txt", "c.txt"])))
