"""Compile functions to machine code, for loops over bytes and numbers."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import config as _config
from numba import njit
from numba.core.event import Event, Listener, install_listener
from numpy.typing import NDArray

config: Any = _config  # its settings have no types
Function = TypeVar("Function", bound=Callable[..., object])

_MODULES = Path(__file__).parent


def compiled(function: Function) -> Function:
    """Compile a function when it is first called; it runs without the interpreter's lock.

    What was compiled is kept beside the source, or in the user's cache, and compiled each time where neither can be
    written.
    """
    _keep_by_version()
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError as error:
        if "no locator" not in str(error):  # no place to keep it
            raise
        return cast("Function", njit(nogil=True)(function))


def inlined(function: Function) -> Function:
    """Compile a small function into each one that calls it: to pass it tuples of arrays takes longer than its work."""
    return cast("Function", njit(inline="always")(function))


@cache
def _keep_by_version() -> None:
    """Keep what is compiled in a folder of this version of the source.

    The compiler itself looks only at the file of a function, not at those of the functions that it calls.
    """
    source = hashlib.sha256()
    for path in sorted(_MODULES.glob("*.py")):
        text = path.read_bytes()
        if b"@compiled" in text or b"@inlined" in text:
            source.update(text)
    chosen: str = config.CACHE_DIR
    for folder in [chosen] if chosen else [str(_MODULES / "__pycache__"), "~/.cache/copydesk"]:
        with suppress(OSError, RuntimeError):  # the latter where nobody knows what ~ is
            kept = Path(folder).expanduser() / f"compiled-{source.hexdigest()[:16]}"
            kept.mkdir(parents=True, exist_ok=True)
            if os.access(kept, os.W_OK):
                config.CACHE_DIR = str(kept)
                return


@contextmanager
def watch_compilation(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` once if anything is compiled within the block, instead of loaded as it was kept."""
    with install_listener("numba:compile", _Once(tell)):
        yield


class _Once(Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._is_told = False

    def on_start(self, event: Event) -> None:  # noqa: ARG002 -- which function it is does not matter
        if not self._is_told:
            self._is_told = True
            self._tell()

    def on_end(self, event: Event) -> None:
        pass


@compiled
def doubled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give an array that is twice as long and begins with the same values."""
    return np.concatenate((values, np.empty_like(values)))
