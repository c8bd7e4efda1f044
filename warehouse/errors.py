"""What can go wrong with the bytes at rest.

WarehouseError            anything below; its message says what, where and what to do next
├── HomeNotWritableError  the home folder cannot be made or written
├── NotPublishedError     nothing has been published yet
├── CatalogError          the catalog cannot be opened or was damaged
│   └── CatalogWholeError  not because it is damaged: it is locked, of a newer version, or has a commit to roll back
├── JournalError          a file of the journal cannot be read
└── RawDropError          bytes of a drop are missing from the raw store, or are not those that were stored
"""


class WarehouseError(Exception):
    """Base of the tree; the message is one sentence and the next step."""


class HomeNotWritableError(WarehouseError):
    """The home folder cannot be made or written."""


class NotPublishedError(WarehouseError):
    """There is no published file to query yet."""


class CatalogError(WarehouseError):
    """The catalog cannot be opened, or does not hold what it should."""


class CatalogWholeError(CatalogError):
    """The catalog cannot be opened for now, or not by this version, and nothing of it is damaged."""


class JournalError(WarehouseError):
    """What happened to the warehouse is not known."""


class RawDropError(WarehouseError):
    """The raw store does not hold the bytes that the catalog says it does."""
