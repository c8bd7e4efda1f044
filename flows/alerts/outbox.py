"""The outbox: digests that wait to be sent, a file for each digest and route, and how far the incidents were told.

Files are written whole or not at all, and are gone when their digest has arrived. What fails is tried again ever more
seldom: after a minute, two, four, at most six hours, each time up to half as long again, so that messages do not come
all at once. After twelve attempts or seven days a message is given up, and kept in `failed/`. The cursor says up to
which commit digests were made, and who was told of which incident that still lasts.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.alerts.digests import Digest
from warehouse.catalog_file import LakeState
from warehouse.files import write_synced

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_ATTEMPTS = 12
MOST_AGE = timedelta(days=7)
"""An alert that is older is no news; those who want it find it in the tables."""


@dataclass(frozen=True)
class Message:
    """A digest on its way to a route; times are ISO 8601."""

    name: str
    route: str
    digest: Digest
    created_at: str
    next_attempt_at: str
    attempts: int = 0
    last_error: str | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be tried now."""
        return datetime.fromisoformat(self.next_attempt_at) <= now

    def is_hopeless(self, now: datetime) -> bool:
        """Whether it has been tried often or long enough."""
        return self.attempts >= MOST_ATTEMPTS or now - datetime.fromisoformat(self.created_at) >= MOST_AGE

    def after_failure(self, error: str, *, now: datetime) -> "Message":
        """Return it with one more attempt, and the time of the next."""
        pause = min(FIRST_PAUSE * 2**self.attempts, LONGEST_PAUSE) * (1 + _jitter(self.name, self.attempts) / 2)
        return replace(
            self, attempts=self.attempts + 1, last_error=error, next_attempt_at=(now + pause).isoformat("T", "seconds")
        )

    def anew(self, now: datetime) -> "Message":
        """Return it as if it had never been tried."""
        return replace(self, attempts=0, created_at=now.isoformat(), next_attempt_at=now.isoformat())


def new_message(digest: Digest, *, commit_no: int, now: datetime) -> Message:
    """Return a digest as a message that is due."""
    name = f"{commit_no:012d}-{digest['digest_id']}"
    return Message(name, digest["route"], digest, created_at=now.isoformat(), next_attempt_at=now.isoformat())


def _jitter(name: str, attempts: int) -> float:
    """Return a share from 0 to 1 that differs by message and attempt."""
    return hashlib.sha256(f"{name} {attempts}".encode()).digest()[0] / 255


@dataclass(frozen=True)
class Cursor:
    """Commit up to which digests were made, and the routes that were told of each incident that lasts.

    `catalog_id` is the catalog that the commit is of; null where an older version wrote the cursor.
    """

    commit_no: int = 0
    told: Mapping[str, Sequence[str]] = field(default_factory=dict)
    catalog_id: str | None = None

    def is_of(self, state: LakeState) -> bool:
        """Whether the commit is one of this catalog, as far as is known."""
        return self.catalog_id in {None, state.catalog_id}


@dataclass(frozen=True)
class Outbox:
    """The folder `outbox` of a home folder."""

    folder: Path

    @property
    def failed_folder(self) -> Path:
        """Where messages lie that were given up."""
        return self.folder / "failed"

    def pending(self) -> list[Message]:
        """Return messages that wait, oldest first; files that cannot be read are left out."""
        return _read_all(self.folder)

    def failed(self) -> list[Message]:
        """Return messages that were given up, oldest first."""
        return _read_all(self.failed_folder)

    def damaged(self) -> list[Path]:
        """Return files that are no messages."""
        return [path for path in _files(self.folder) + _files(self.failed_folder) if _read(path) is None]

    def add(self, message: Message) -> None:
        """Write a message that is not there yet."""
        if not self._path(message).exists():
            self.save(message)

    def save(self, message: Message) -> None:
        """Write a message, new or changed."""
        _write(self._path(message), asdict(message))

    def remove(self, message: Message) -> None:
        """Forget a message that has arrived."""
        self._path(message).unlink(missing_ok=True)

    def give_up(self, message: Message) -> None:
        """Put a message aside that is not tried again."""
        self.failed_folder.mkdir(parents=True, exist_ok=True)
        self.save(message)
        self._path(message).replace(self.failed_folder / f"{message.name}.json")

    def take_back(self, message: Message, *, now: datetime) -> None:
        """Have a message tried again that was given up."""
        self.add(message.anew(now))
        (self.failed_folder / f"{message.name}.json").unlink(missing_ok=True)

    def read_cursor(self) -> Cursor:
        """Return the cursor; where there is none, nothing has been told."""
        try:
            return Cursor(**json.loads(self._cursor.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return Cursor()

    def write_cursor(self, cursor: Cursor) -> None:
        """Replace the cursor."""
        _write(self._cursor, asdict(cursor))

    @contextmanager
    def locked(self, purpose: str, *, waits: bool) -> Iterator[bool]:
        """Hold a lock of the outbox within the block; yield False where somebody else has it and `waits` is False."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{purpose}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    @property
    def _cursor(self) -> Path:
        return self.folder / "cursor"

    def _path(self, message: Message) -> Path:
        return self.folder / f"{message.name}.json"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.is_file())


def _read_all(folder: Path) -> list[Message]:
    return [message for path in _files(folder) if (message := _read(path)) is not None]


def _read(path: Path) -> Message | None:
    try:
        message = Message(**json.loads(path.read_text("utf-8")))
        message.is_hopeless(datetime.now(UTC))
        message.is_due(datetime.now(UTC))
        is_sound = message.name == path.stem and isinstance(message.digest, dict)
    except (OSError, ValueError, TypeError):
        return None
    return message if is_sound else None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_synced(path, json.dumps(content, indent=1).encode())
