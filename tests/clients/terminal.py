"""Start a program in a terminal, type a line into it, and print the screen as soon as it shows what is awaited.

    python terminal.py READY TYPED AWAITED PROGRAM [ARGUMENT...]

READY is what the screen shows when it can be typed to. Exit code 1, and the screen, if all that does not come in two
minutes.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

COLUMNS, LINES = 140, 45
SECONDS = 120
QUIET_SECONDS = 0.5
RUN = b"\n"  # Ctrl+J


def main(ready: str, typed: str, awaited: str, command: list[str]) -> int:
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)  # noqa: S606 -- no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, LINES)
    try:
        is_shown = converse(terminal, screen, [(ready, typed.encode()), (typed, RUN), (awaited, b"")])
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    print("\n".join(line.rstrip() for line in screen.display))  # noqa: T201 -- the result
    return 0 if is_shown else 1


def converse(terminal: int, screen: pyte.Screen, turns: list[tuple[str, bytes]]) -> bool:
    """Wait for each text, and answer once the program is quiet, as it may not listen before; tell whether all came."""
    stream, end = pyte.ByteStream(screen), time.monotonic() + SECONDS
    for awaited, answer in turns:
        while not any(awaited in line for line in screen.display):
            if time.monotonic() > end or not fed(stream, terminal, end - time.monotonic()):
                return False
        while time.monotonic() < end and fed(stream, terminal, QUIET_SECONDS):
            pass
        os.write(terminal, answer)
    return True


def fed(stream: pyte.ByteStream, terminal: int, seconds: float) -> bool:
    """Read what the program writes within some time; tell whether there was anything."""
    if not select.select([terminal], [], [], seconds)[0]:
        return False
    try:
        stream.feed(os.read(terminal, 1 << 16))
    except OSError:  # the program has ended
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
