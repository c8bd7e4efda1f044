"""The Prefect flow `maintain`: what `copydesk maintain` does, on a schedule of its own."""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from flows import maintaining
from flows.run import Progress
from flows.settings import load_settings
from warehouse.writer_lock import Holder


@flow(name="maintain", retries=0, persist_result=False)
def maintain(home: str | None = None, config: str | None = None) -> dict[str, Any]:
    """Merge small files, give up old snapshots, remove what belongs to nothing; return what that came to.

    Args:
        home: Home folder; by default $COPYDESK_HOME, else ./data.
        config: Settings, if not copydesk.toml of the home folder.
    """
    settings = load_settings(home=Path(home) if home else None, config=Path(config) if config else None)
    return maintaining.maintain(settings, on_wait=_log_waiting, on_progress=_log_stage).as_dict()


def _log_waiting(holder: Holder | None) -> None:
    get_run_logger().info("Waiting for %s, which is writing to this home folder.", holder or "another process")


def _log_stage(progress: Progress) -> None:
    get_run_logger().info("%s", progress.stage)
