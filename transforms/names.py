"""Names that are told apart where several things share one."""

from collections import Counter
from collections.abc import Collection, Iterable


def distinct_names(names: Iterable[str], *, pattern: str, first: int = 2, taken: Collection[str] = ()) -> list[str]:
    """Number what shares a name, so that none hides another; the first of them keeps it, if nobody else has it.

    Args:
        names: Names, in order.
        pattern: How a numbered one is written, with `{name}` and `{number}`.
        first: The lowest number.
        taken: Names that others have.

    >>> distinct_names(["a", "a", "a_2", "a"], pattern="{name}_{number}")
    ['a', 'a_3', 'a_2', 'a_4']
    """
    given = list(names)
    known, used, next_number = {*given, *taken}, set(taken), Counter[str]()
    distinct = []
    for name in given:
        unique = name
        while unique in used or (unique != name and unique in known):
            unique = pattern.format(name=name, number=first + next_number[name])
            next_number[name] += 1
        used.add(unique)
        distinct.append(unique)
    return distinct
