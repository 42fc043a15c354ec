"""For processes of others' programs that tests start: they end where the tests end without a word."""

import shutil
import signal


def dying_with_parent(how: signal.Signals, user: str | None = None) -> list[str]:
    """What a command begins with whose process gets the signal `how` when the thread that starts it ends, and which is
    run as another user where one is named.

    Another program does that, and no `preexec_fn`, nor Popen's `user`: for those Python forks in earnest, and gRPC's
    threads of a test may end the child before it comes to run anything.
    """
    if shutil.which("setpriv") is None:  # it is Linux's
        return []
    as_user = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user is not None else []
    return ["setpriv", f"--pdeathsig={how.name.removeprefix('SIG')}", *as_user, "--"]
