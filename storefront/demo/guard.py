"""Runs one command and ends it once the process that asked for it is gone.

Started by its path with the standard library alone, so that it is up in a few
hundredths of a second. Its standard input is a pipe that the asking process
holds open and never writes to: the end of that pipe is the end of the asker,
however it died, on every system that has pipes.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the command, forward signals to it, give its exit status."""
    options = _options()
    child = _start(options)
    for number in FORWARDED:
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    threading.Thread(
        target=_end_with_asker,
        args=(child, options.signal, options.grace),
        daemon=True,
    ).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--keep", type=int, action="append", default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def _start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        options.command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        pass_fds=options.keep,
        user=options.uid,
        group=options.gid,
        extra_groups=None if options.uid is None else [],
        preexec_fn=_die_with_guard(options.signal),
    )


def _die_with_guard(number: int) -> Callable[[], None] | None:
    """Give what a Linux child does before exec so that it outlives no guard.

    subprocess runs it after the change of uid, which would clear the setting.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def _end_with_asker(child: subprocess.Popen[bytes], number: int, grace: float) -> None:
    os.read(0, 1)  # comes back empty when nobody holds the other end any more
    child.send_signal(number)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
