"""Compile functions to machine code, for loops over bytes and numbers."""

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function when it is first called; it runs without the interpreter's lock.

    What was compiled is kept beside the source, or in the user's cache, and compiled each time where neither can be
    written.
    """
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError as error:
        if "no locator" not in str(error):  # no place to keep it
            raise
        return cast("Function", njit(nogil=True)(function))


@compiled
def doubled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give an array that is twice as long and begins with the same values."""
    return np.concatenate((values, np.empty_like(values)))
