"""Union-find, for peers that return pairs: a cluster is known by the first of its rows."""


class Clusters:
    """Rows that were joined, directly or by way of others."""

    def __init__(self, rows: int) -> None:
        self._parents = list(range(rows))

    def join(self, one: int, other: int) -> None:
        """Make one cluster of those of two rows."""
        low, high = sorted((self._root(one), self._root(other)))
        self._parents[high] = low

    def canonical(self) -> list[int]:
        """Return the first row of the cluster of each row."""
        return [self._root(row) for row in range(len(self._parents))]

    def _root(self, row: int) -> int:
        while self._parents[row] != row:
            self._parents[row] = self._parents[self._parents[row]]
            row = self._parents[row]
        return row
