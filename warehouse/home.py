"""Where things lie in the home folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The home folder: everything copydesk keeps is below `root`."""

    root: Path

    @property
    def config(self) -> Path:
        """Settings and sources."""
        return self.root / "copydesk.toml"

    @property
    def expectations(self) -> Path:
        """Rules that users add."""
        return self.root / "expectations"

    @property
    def landing(self) -> Path:
        """Drop zone, a folder for each source."""
        return self.root / "landing"

    @property
    def raw(self) -> Path:
        """Content of drops, by its hash."""
        return self.root / "raw"

    @property
    def journal(self) -> Path:
        """What happened to the warehouse, a file for each commit."""
        return self.root / "journal"

    @property
    def lake(self) -> Path:
        """Parquet files of the lake tables."""
        return self.root / "lake"

    @property
    def catalog(self) -> Path:
        """Catalog of the lake."""
        return self.root / "catalog.sqlite"

    @property
    def published(self) -> Path:
        """Published views, for any DuckDB client."""
        return self.root / "warehouse.duckdb"

    @property
    def search(self) -> Path:
        """Index that articles are searched by; may be deleted at any time."""
        return self.root / "search"

    @property
    def reports(self) -> Path:
        """Pages for people."""
        return self.root / "reports"

    @property
    def withdrawing(self) -> Path:
        """What a retraction under way withdraws, as digests; goes with its commit."""
        return self.root / "withdrawing.json"

    @property
    def staging(self) -> Path:
        """Files of runs under way; whatever lies here while no run is at work is left over."""
        return self.root / "staging"

    @property
    def writer_lock(self) -> Path:
        """Held by the one process that may write."""
        return self.root / "writer.lock"

    @property
    def staging_lock(self) -> Path:
        """Shared by all runs at work; whoever holds it alone may clear away what killed ones left."""
        return self.root / "staging.lock"

    @property
    def superseded(self) -> Path:
        """Names of data files that readers may still have open, though the catalog is another one."""
        return self.root / "superseded.json"

    @property
    def known_files(self) -> Path:
        """Cache of the files whose bytes are already in `ops.drops`; may be deleted at any time."""
        return self.root / "known_files.parquet"

    @property
    def prefect(self) -> Path:
        """Database and logs of a Prefect server that `copydesk serve` started."""
        return self.root / "prefect"

    @property
    def outbox(self) -> Path:
        """Alerts that wait to be sent, and how far the incidents were told."""
        return self.root / "outbox"

    def keeps(self, path: Path) -> bool:
        """Whether an absolute path lies in a folder that is ours alone."""
        return any(path.is_relative_to(folder) for folder in self.own_folders)

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Folders in which nobody else puts anything."""
        return (
            *(self.raw, self.journal, self.lake, self.staging),
            *(self.search, self.prefect, self.reports, self.outbox),
        )

    @property
    def is_within_another(self) -> bool:
        """Whether it is made within the staging folder of another, where nobody reads it."""
        outer = Home(self.root.parent.parent)
        return self.root.parent == outer.staging and outer.staging_lock.exists()

    @property
    def is_initialised(self) -> bool:
        """Whether a run has ever committed here."""
        return self.catalog.exists()
