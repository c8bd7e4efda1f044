"""A worker process of `extraction_pool`: extracts one page after the other, until whoever asks is gone.

No network, no files, no output but the answers, which go through the socket that it inherits. It ends with the process
that started it, however that ends: on Linux at once, elsewhere when its page or its alarm is due. Only what extraction
needs is imported, so that it is ready in a third of a second.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from transforms.extraction import extract_page, prepare

ALARM_GRACE_SECONDS = 5  # the pool, which knows more, goes first
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def main() -> None:
    """Answer the pages that come in; arguments are socket, parent, and the seconds and bytes that a page may take."""
    descriptor, parent, seconds, memory_bytes = map(int, sys.argv[1:])
    _end_with(parent)
    prepare()
    _limit_memory(memory_bytes)
    with Connection(descriptor) as connection, suppress(EOFError, ConnectionError):
        connection.send(None)  # ready
        while True:
            page = connection.recv_bytes().decode("utf-8", "surrogatepass")
            signal.alarm(seconds + ALARM_GRACE_SECONDS)
            extraction = extract_page(page)
            signal.alarm(0)
            connection.send(extraction)


def _end_with(parent: int) -> None:
    """Have the system end this process with its parent; a page may keep Python from noticing anything."""
    with suppress(AttributeError):  # a system without it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # gone already
        sys.exit()


def _limit_memory(memory_bytes: int) -> None:
    """Bound what is allocated between two looks of the pool: twice what it would let pass, on top of what is in use."""
    with suppress(OSError, ValueError):  # a system that cannot count, or has a lower bound already
        status = Path("/proc/self/status").read_text("ascii")
        used = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + 2 * memory_bytes, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
