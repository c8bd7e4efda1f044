"""Run the program with one function replaced by one that ends the process as `kill -9` does.

    python die_at.py MODULE[:CLASS] FUNCTION before|after CALL COMMAND...

`CALL` says which call of the function it is; the command goes on to its end where it is never made.
"""

import importlib
import os
import signal
import sys
from typing import Any


def die_at(place: str, name: str, when: str, call: int) -> None:
    """Let a call of a function be the last thing that this process does, before or after its work."""
    module, _, owner = place.partition(":")
    target = importlib.import_module(module)
    target = getattr(target, owner) if owner else target
    original, left = getattr(target, name), [call]

    def dying(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        result = original(*args, **kwargs) if left[0] or when == "after" else None
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(target, name, dying)


if __name__ == "__main__":
    die_at(*sys.argv[1:4], int(sys.argv[4]))
    from flows.cli import run

    sys.exit(run(sys.argv[5:]))
