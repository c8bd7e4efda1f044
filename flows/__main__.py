"""Where a process of the command line begins, with as little as possible.

Importing the program takes half a second. An interrupt in that time waits until there is somebody to say how the
command ends.
"""

import os
import signal
import sys


def main() -> None:
    """Run the command line of this process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- until the end; pathlib is slow
    from flows.cli import run  # noqa: PLC0415 -- see above

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
