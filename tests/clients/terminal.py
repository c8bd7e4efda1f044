"""Start a program in a terminal, type a line into it, and print the screen as soon as it shows what is awaited.

    python terminal.py READY TYPED AWAITED PROGRAM [ARGUMENT...]

READY is what the screen shows when it can be typed to. Exit code 1, and the screen, if nothing of it comes in a minute.
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
SECONDS = 60
RUN = b"\n"  # Ctrl+J


def main(ready: str, typed: str, awaited: str, command: list[str]) -> int:
    screen = pyte.Screen(COLUMNS, LINES)
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)  # noqa: S606 -- no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    stream = pyte.ByteStream(screen)
    try:
        found = shows(ready, screen, stream, terminal)
        os.write(terminal, typed.encode())
        found = found and shows(typed, screen, stream, terminal)
        os.write(terminal, RUN)
        found = found and shows(awaited, screen, stream, terminal)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    print("\n".join(line.rstrip() for line in screen.display))  # noqa: T201 -- the result
    return 0 if found else 1


def shows(text: str, screen: pyte.Screen, stream: pyte.ByteStream, terminal: int) -> bool:
    """Read what the program writes until a line of the screen holds a text."""
    end = time.monotonic() + SECONDS
    while not any(text in line for line in screen.display) and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            try:
                stream.feed(os.read(terminal, 1 << 16))
            except OSError:  # the program has ended
                return False
    return any(text in line for line in screen.display)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
